package import SystemPackage

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// Reads and writes small files, such as keys and settings, with modes and errors under control.
package enum SmallFile {
    /// Reads a whole file of at most `limit` bytes.
    ///
    /// - Throws: The system's error; `Errno.fileTooLarge` past the limit.
    package static func read(_ path: String, limit: Int = 1 << 20) throws(Errno) -> [UInt8] {
        do {
            let descriptor = try FileDescriptor.open(FilePath(path), .readOnly, options: .closeOnExec)
            return try descriptor.closeAfter {
                var contents: [UInt8] = []
                while contents.count <= limit {
                    let chunk = try [UInt8](unsafeUninitializedCapacity: 65536) { buffer, count in
                        count = try descriptor.read(into: UnsafeMutableRawBufferPointer(buffer))
                    }
                    if chunk.isEmpty { return contents }
                    contents += chunk
                }
                throw Errno.fileTooLarge
            }
        } catch {
            throw error as? Errno ?? .ioError
        }
    }

    /// Writes a file so that it is either there whole or not at all: a temporary name, synced, then renamed.
    ///
    /// - Parameter permissions: 0600 by default: only the owner reads it.
    package static func write(
        _ contents: [UInt8], to path: String, permissions: FilePermissions = [.ownerRead, .ownerWrite]
    ) throws(Errno) {
        let temporary = "\(path).\(UInt32.random(in: .min ... .max)).new"
        do {
            let descriptor = try FileDescriptor.open(
                FilePath(temporary), .writeOnly, options: [.create, .exclusiveCreate, .closeOnExec],
                permissions: permissions)
            try descriptor.closeAfter {
                try descriptor.writeAll(contents)
                guard fsync(descriptor.rawValue) == 0 else { throw Errno(rawValue: errno) }
            }
            guard rename(temporary, path) == 0 else { throw Errno(rawValue: errno) }
        } catch {
            unlink(temporary)
            throw error as? Errno ?? .ioError
        }
    }
}
