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

/// What the kernel says about processes.
enum ProcessTable {
    /// The processes that `parent` started and that live.
    static func children(of parent: Int32) -> [Int32] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
        return names.compactMap { Int32($0) }.filter { status(of: $0)?.parent == parent && isAlive($0) }.sorted()
    }

    /// Whether a process runs; one that ended and waits to be reaped does not.
    static func isAlive(_ process: Int32) -> Bool {
        guard let state = status(of: process)?.state else { return false }
        return state != "Z" && state != "X"
    }

    /// Sends a signal; a process that is gone already is no error.
    static func signal(_ process: Int32, _ signal: Int32) {
        _ = kill(process, signal)
    }

    /// Bytes of a process that are in memory.
    static func residentBytes(of process: Int32) -> Int {
        let text = FileManager.default.contents(atPath: "/proc/\(process)/statm").map {
            String(decoding: $0, as: UTF8.self)
        }
        let fields = (text ?? "").split(separator: " ")
        return fields.count > 1 ? (Int(fields[1]) ?? 0) * Int(sysconf(Int32(_SC_PAGESIZE))) : 0
    }

    /// What a process was started with.
    static func arguments(of process: Int32) -> [String] {
        let text = FileManager.default.contents(atPath: "/proc/\(process)/cmdline").map {
            String(decoding: $0, as: UTF8.self)
        }
        return (text ?? "").split(separator: "\0").map(String.init)
    }

    private static func status(of process: Int32) -> (state: Character, parent: Int32)? {
        guard let data = FileManager.default.contents(atPath: "/proc/\(process)/stat"),
            let text = String(data: data, encoding: .utf8), let end = text.lastIndex(of: ")")
        else { return nil }
        let fields = text[text.index(after: end)...].split(separator: " ")
        guard fields.count > 1, let state = fields[0].first, let parent = Int32(fields[1]) else { return nil }
        return (state, parent)
    }
}
