internal import Foundation

/// The memory of this process that is in RAM.
enum ResidentMemory {
    /// `nil` where the kernel does not say (`/proc/self/statm`, Linux).
    static var bytes: Int? {
        guard let fields = try? String(contentsOfFile: "/proc/self/statm", encoding: .utf8).split(separator: " "),
            fields.count > 1, let pages = Int(fields[1])
        else { return nil }
        return pages * Int(sysconf(Int32(_SC_PAGESIZE)))
    }
}
