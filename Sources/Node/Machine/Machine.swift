package import HTTPAPI
package import Hardware

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

/// The machine that the node runs on, as its kernel describes it.
package struct Machine: Sendable {
    /// How old figures of GPUs may be: asking a driver is not free.
    private static let gpuAge: Duration = .seconds(10)

    package let processorName: String
    package let processorCores: Int
    package let memoryBytes: Int
    package let operatingSystem: String
    /// Its GPUs as they were at the start.
    package let gpus: GPUInventory

    /// Reads what does not change while the node runs.
    package static func read() async -> Machine { Machine(gpus: await GPUInventory.read()) }

    private init(gpus: GPUInventory) {
        self.gpus = gpus
        let processors = Self.text("/proc/cpuinfo")
        processorName = Self.field("model name", in: processors) ?? Self.field("Model", in: processors) ?? "unknown"
        processorCores = max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN)))
        memoryBytes = (Self.kilobytes("MemTotal", in: Self.text("/proc/meminfo")) ?? 0) * 1024
        var name = utsname()
        operatingSystem =
            uname(&name) == 0 ? "\(Self.string(name.sysname)) \(Self.string(name.release))" : "unknown"
    }

    /// What statistics say about the machine now.
    ///
    /// - Parameters:
    ///   - dataDirectory: whose file system is measured.
    ///   - engines: processes whose memory counts as the node's.
    package func statistics(dataDirectory: String, engines: [Int32]) async -> HardwareStatistics {
        var statistics = HardwareStatistics()
        statistics.processorName = processorName
        statistics.processorCores = processorCores
        statistics.memoryBytes = memoryBytes
        let available = Self.kilobytes("MemAvailable", in: Self.text("/proc/meminfo")) ?? 0
        statistics.usedMemoryBytes = max(0, memoryBytes - available * 1024)
        statistics.residentBytes = ([getpid()] + engines).map(Self.residentBytes).reduce(0, +)
        let gpus = await GPUInventory.read(maximumAge: Self.gpuAge)
        statistics.gpuName = gpus.mainName
        if gpus.memoryBytes > 0 {
            statistics.gpuMemoryBytes = Int(clamping: gpus.memoryBytes)
            statistics.usedGPUMemoryBytes = gpus.freeBytes.map { Int(clamping: gpus.memoryBytes - $0) }
        }
        var status = statvfs()
        if statvfs(dataDirectory, &status) == 0 {
            statistics.diskBytes = Int(status.f_blocks) * Int(status.f_frsize)
            statistics.availableDiskBytes = Int(status.f_bavail) * Int(status.f_frsize)
        }
        return statistics
    }

    /// Resident memory of a process; 0 for one that is gone.
    package static func residentBytes(of process: Int32) -> Int {
        let pages = text("/proc/\(process)/statm").split(separator: " ").dropFirst().first.flatMap { Int($0) }
        return (pages ?? 0) * Int(getpagesize())
    }

    /// The processes that this one started.
    package static func childProcesses() -> [Int32] {
        text("/proc/self/task/\(getpid())/children").split(separator: " ").compactMap { Int32($0) }
    }

    private static func text(_ path: String) -> String {
        (try? SmallFile.read(path, limit: 4 << 20)).map { String(decoding: $0, as: UTF8.self) } ?? ""
    }

    private static func field(_ name: String, in text: String) -> String? {
        text.split(separator: "\n").first { $0.hasPrefix(name) }
            .flatMap { $0.split(separator: ":", maxSplits: 1).dropFirst().first }
            .map { String($0.drop(while: \.isWhitespace)) }
    }

    private static func kilobytes(_ name: String, in text: String) -> Int? {
        text.split(separator: "\n").first { $0.hasPrefix(name + ":") }
            .flatMap { $0.split(separator: " ").dropFirst().first }
            .flatMap { Int($0) }
    }

    private static func string<Characters>(_ characters: Characters) -> String {
        withUnsafeBytes(of: characters) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
    }
}
