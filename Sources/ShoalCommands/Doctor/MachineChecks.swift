import Node

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif
#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// Looks at memory, disk, processor and clock.
struct MachineChecks {
    let dataDirectory: String

    func findings() -> [Finding] {
        [memory(), disk(), processor(), clock()].compactMap { $0 }
    }

    private func memory() -> Finding? {
        guard let text = Self.read("/proc/meminfo"),
            let total = Self.kilobytes("MemTotal", in: text), let free = Self.kilobytes("MemAvailable", in: text)
        else { return nil }
        let message = "\(Figures.bytes(free * 1024)) of \(Figures.bytes(total * 1024)) available"
        return free < 512 * 1024
            ? .warn("memory", message, mend: "end other programs: a loaded shard needs its size in memory, and more")
            : .ok("memory", message)
    }

    private func disk() -> Finding? {
        // The nearest directory that exists.
        var path = dataDirectory
        var status = statvfs()
        while statvfs(path, &status) != 0 {
            guard let slash = path.lastIndex(of: "/"), slash != path.startIndex else { return nil }
            path = String(path[..<slash])
        }
        let free = Int64(status.f_bavail) * Int64(status.f_frsize)
        let message = "\(Figures.bytes(free)) free for \(dataDirectory)"
        return free < 1 << 30
            ? .warn("disk", message, mend: "make room, or put the data directory elsewhere with --data-dir")
            : .ok("disk", message)
    }

    private func processor() -> Finding? {
        guard let text = Self.read("/proc/cpuinfo") else { return nil }
        func field(_ name: String) -> String? {
            text.split(separator: "\n").first { $0.hasPrefix(name) }
                .flatMap { $0.split(separator: ":", maxSplits: 1).last }
                .map { String($0.drop { $0 == " " }) }
        }
        let cores = text.split(separator: "\n").filter { $0.hasPrefix("processor") }.count
        let name = "\(field("model name") ?? "unnamed processor"), \(cores) cores"
        #if arch(x86_64)
            let features = Set((field("flags") ?? "").split(separator: " "))
            let missing = ["avx2", "fma", "f16c"].filter { !features.contains(Substring($0)) }
            if !missing.isEmpty {
                return .warn(
                    "processor", "\(name), without \(missing.joined(separator: ", "))",
                    mend: "answers will be slow here; let this node hold few shards")
            }
        #endif
        return .ok("processor", name)
    }

    /// Certificates between nodes hold for a time: a wrong clock keeps nodes apart.
    private func clock() -> Finding? {
        let now = Date()
        guard now.timeIntervalSince1970 > 1_760_000_000 else {
            return .fail("clock", "the clock says \(now.formatted(.iso8601))", mend: "set it, or let NTP do so")
        }
        return .ok("clock", now.formatted(.iso8601))
    }

    private static func read(_ path: String) -> String? {
        (try? SmallFile.read(path, limit: 4 << 20)).map { String(decoding: $0, as: UTF8.self) }
    }

    private static func kilobytes(_ name: String, in text: String) -> Int64? {
        text.split(separator: "\n").first { $0.hasPrefix(name + ":") }
            .flatMap { $0.split(separator: " ").dropFirst().first }
            .flatMap { Int64($0) }
    }
}
