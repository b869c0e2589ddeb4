package import GRPCCore
import GRPCNIOTransportHTTP2

extension ServerContext {
    /// The node that the caller proved to be in the TLS handshake; `nil` when the call came through the Unix socket.
    package var peer: NodeID? {
        // The handshake checked the proof's signatures; here it is only read again.
        guard let transport = transportSpecific as? HTTP2ServerTransport.Posix.Context,
            let certificate = transport.peerCertificate
        else { return nil }
        return try? NodeProof(certificate: certificate).nodeID
    }

    /// The IP address that the caller was seen at; `nil` when the call came through the Unix socket.
    package var peerHost: String? {
        let parts = remotePeer.split(separator: ":", maxSplits: 1)
        guard parts.count == 2, parts[0] == "ipv4" || parts[0] == "ipv6" else { return nil }
        return LinkAddress(parts[1])?.host
    }
}

/// Lets no call into a network listener whose caller has not proven who it is.
struct ProvenPeersOnly: ServerInterceptor {
    func intercept<Input: Sendable, Output: Sendable>(
        request: StreamingServerRequest<Input>, context: ServerContext,
        next: @Sendable (StreamingServerRequest<Input>, ServerContext) async throws -> StreamingServerResponse<Output>
    ) async throws -> StreamingServerResponse<Output> {
        guard context.peer != nil else {
            throw RPCError(code: .unauthenticated, message: "the caller has not proven to be a member of this swarm")
        }
        return try await next(request, context)
    }
}
