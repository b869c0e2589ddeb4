import SystemPackage

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

extension FileDescriptor {
    /// How many bytes a regular file has; `nil` for everything else, such as a folder or a pipe.
    ///
    /// - Throws: `Errno`.
    var regularFileSize: Int64? {
        get throws {
            var status = stat()
            guard fstat(rawValue, &status) == 0 else { throw Errno(rawValue: errno) }
            return status.st_mode & S_IFMT == S_IFREG ? Int64(status.st_size) : nil
        }
    }
}
