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

/// What files really take on a disk.
enum DiskUsage {
    /// The size of a block in `st_blocks` (stat(2)).
    private static let blockBytes: UInt64 = 512

    /// Bytes of everything below a folder; the holes of sparse files count nothing. What cannot be read counts nothing.
    static func bytes(below folder: String) -> UInt64 {
        let paths = (try? FileManager.default.subpathsOfDirectory(atPath: folder)) ?? []
        return paths.reduce(0) { sum, path in
            var status = stat()
            guard lstat("\(folder)/\(path)", &status) == 0 else { return sum }
            return sum + UInt64(clamping: status.st_blocks) * blockBytes
        }
    }
}
