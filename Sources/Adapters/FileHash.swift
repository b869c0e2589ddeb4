internal import Bytes
internal import Crypto

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// The SHA-256 of a file, in hex. Reads all of it.
func sha256(ofFile path: String) throws -> String {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
    guard descriptor >= 0 else { throw AdapterError(systemCall: errno, doing: "open", path: path) }
    defer { close(descriptor) }
    var hash = SHA256()
    let piece = UnsafeMutableRawBufferPointer.allocate(byteCount: 256 << 10, alignment: 16)
    defer { piece.deallocate() }
    while true {
        let count = read(descriptor, piece.baseAddress, piece.count)
        if count == 0 { break }
        if count > 0 {
            hash.update(bufferPointer: UnsafeRawBufferPointer(rebasing: piece[..<count]))
        } else if errno != EINTR {
            throw AdapterError(systemCall: errno, doing: "read", path: path)
        }
    }
    return hash.finalize().hexadecimal
}
