import HTTPTypes
import NIOCore

/// Where a request comes from: the other end of its connection, or whom a proxy names that the operator trusts.
///
/// What passes through a proxy, or comes from a page of another site, is not taken for a program of this machine: a proxy that runs beside
/// the node would make everybody one.
struct RequestOrigin: Hashable, Sendable {
    /// For those who count and record it.
    let address: String
    let isLoopback: Bool

    /// - Parameter proxies: IP addresses of proxies whose word counts.
    init(_ remote: SocketAddress?, _ headers: HTTPFields, trusting proxies: Set<String> = []) {
        let other = remote?.ipAddress ?? "local"
        guard HTTPField.Name.ofProxies.contains(where: { headers.contains($0) }) else {
            address = other
            isLoopback =
                LoopbackOrigin.isLoopback(remote) && headers[.secFetchSite]?.lowercased() != "cross-site"
            return
        }
        guard proxies.contains(other), let client = Self.client(headers, behind: proxies) else {
            (address, isLoopback) = (other, false)
            return
        }
        address = client.ipAddress ?? other
        isLoopback = LoopbackOrigin.isLoopback(client) && headers[.secFetchSite]?.lowercased() != "cross-site"
    }

    /// The last in `X-Forwarded-For` that is no trusted proxy itself: what stands before it, the client may have written.
    private static func client(_ headers: HTTPFields, behind proxies: Set<String>) -> SocketAddress? {
        let named = headers[values: .xForwardedFor].flatMap {
            $0.split(separator: ",", omittingEmptySubsequences: false)
        }
        for text in named.reversed() {
            let text = String(text.drop { $0 == " " }.prefix { $0 != " " })
            guard text.utf8.count <= 64, let address = try? SocketAddress(ipAddress: text, port: 0) else { return nil }
            if !proxies.contains(text) { return address }
        }
        return nil
    }
}
