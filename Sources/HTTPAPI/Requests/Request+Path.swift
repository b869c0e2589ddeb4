import Hummingbird

extension Request {
    /// The path as the router reads it: without empty parts, so that `//v1/models/` is `/v1/models`.
    var routedPath: String {
        let path = uri.path
        guard path.contains("//") || (path.utf8.count > 1 && path.utf8.last == UInt8(ascii: "/")) else { return path }
        return "/" + path.split(separator: "/").joined(separator: "/")
    }
}
