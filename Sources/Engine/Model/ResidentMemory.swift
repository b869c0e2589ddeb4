internal import CEngine
internal import Foundation

/// What the kernel says of memory (`/proc`, Linux); `nil` where it does not say.
package enum ResidentMemory {
    /// The memory of this process that is in RAM.
    package static var bytes: Int? { statm(1) }

    /// The address space of this process that is in use.
    package static var mappedBytes: Int? { statm(0) }

    private static func statm(_ field: Int) -> Int? {
        guard let fields = try? String(contentsOfFile: "/proc/self/statm", encoding: .utf8).split(separator: " "),
            field < fields.count, let pages = Int(fields[field])
        else { return nil }
        return pages * Int(sysconf(Int32(_SC_PAGESIZE)))
    }

    /// Lets the address space of this process grow by so much and no more: what asks for more is told that there is none.
    ///
    /// - Returns: Whether the system does that.
    package static func limitGrowth(toBytes bytes: UInt64) -> Bool { shoal_limit_memory(bytes) }

    /// What can be had without swapping.
    package static var availableBytes: UInt64? {
        guard let text = try? String(contentsOfFile: "/proc/meminfo", encoding: .utf8) else { return nil }
        let line = text.split(separator: "\n").first { $0.hasPrefix("MemAvailable:") }
        return line.flatMap { $0.split(separator: " ").dropFirst().first }.flatMap { UInt64($0) }.map { $0 * 1024 }
    }
}
