#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// The file of a Unix socket: only this user may connect to it.
package struct SocketFile: Sendable {
    /// `EADDRINUSE` of this platform.
    static let addressInUse = EADDRINUSE
    /// What `sockaddr_un` has room for, without the final zero.
    static let maximumPathBytes = MemoryLayout.size(ofValue: sockaddr_un().sun_path) - 1

    package let path: String

    package init(path: String) {
        self.path = path
    }

    /// Makes the folder (mode 0700) unless it exists; one that others may enter is refused, because between its making and
    /// the change of its mode a socket is open to them.
    func prepareFolder() throws(LinkError) {
        guard path.utf8.count <= Self.maximumPathBytes else {
            throw LinkError(
                .badAddress,
                "the socket path \(path) is longer than \(Self.maximumPathBytes) bytes: choose a shorter folder")
        }
        guard let slash = path.lastIndex(of: "/"), slash != path.startIndex else {
            throw LinkError(.badAddress, "the socket path \(path) has no folder of its own: give an absolute path")
        }
        let folder = String(path[..<slash])
        if mkdir(folder, 0o700) != 0, errno != EEXIST {
            throw LinkError(.badAddress, "the folder \(folder) cannot be made: \(String(cString: strerror(errno)))")
        }
        var status = stat()
        guard stat(folder, &status) == 0 else {
            throw LinkError(
                .badAddress, "the folder \(folder) cannot be inspected: \(String(cString: strerror(errno)))")
        }
        guard status.st_uid == geteuid(), status.st_mode & 0o077 == 0 else {
            throw LinkError(
                .badAddress, "others may enter \(folder), where a private socket is to be: run chmod 700 \(folder)")
        }
    }

    /// Sets the socket's mode to 0600.
    func restrict() throws(LinkError) {
        guard chmod(path, 0o600) == 0 else {
            throw LinkError(.badAddress, "the mode of \(path) cannot be set: \(String(cString: strerror(errno)))")
        }
    }

    func remove() {
        unlink(path)
    }
}
