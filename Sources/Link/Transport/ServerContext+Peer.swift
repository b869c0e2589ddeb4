package import GRPCCore
import GRPCNIOTransportHTTP2
package import Identifiers

extension ServerContext {
    /// Whom the caller proved to be in the TLS handshake; `nil` when the call came through the Unix socket.
    package var provenPeer: ProvenPeer? {
        // The handshake checked the proof's signatures; here it is only read again.
        guard let transport = transportSpecific as? HTTP2ServerTransport.Posix.Context,
            let certificate = transport.peerCertificate
        else { return nil }
        return try? NodeProof(certificate: certificate).claimed
    }

    /// The member of the swarm that the caller proved to be; `nil` for everybody else.
    package var peer: NodeID? {
        if case .member(let id) = provenPeer { id } else { nil }
    }

    /// The worker that the caller proved to be, and by which token; `nil` for everybody else.
    package var worker: (id: NodeID, token: ClusterTokenKey)? {
        if case .worker(let id, let token) = provenPeer { (id, token) } else { nil }
    }

    /// The IP address that the caller was seen at; `nil` when the call came through the Unix socket.
    package var peerHost: String? {
        let parts = remotePeer.split(separator: ":", maxSplits: 1)
        guard parts.count == 2, parts[0] == "ipv4" || parts[0] == "ipv6" else { return nil }
        return LinkAddress(parts[1])?.host
    }
}

/// Lets no call into a network listener whose caller has not proven who it is, none of a worker into what is for members, and
/// none of a member into what is for workers.
struct ProvenPeersOnly: ServerInterceptor {
    func intercept<Input: Sendable, Output: Sendable>(
        request: StreamingServerRequest<Input>, context: ServerContext,
        next: @Sendable (StreamingServerRequest<Input>, ServerContext) async throws -> StreamingServerResponse<Output>
    ) async throws -> StreamingServerResponse<Output> {
        let service = context.descriptor.service
        let isForWorkers = service == Shoal_V1_Cluster.descriptor
        switch context.provenPeer {
        case nil:
            throw RPCError(code: .unauthenticated, message: "the caller has not proven to be a member of this swarm")
        case .member where isForWorkers:
            throw RPCError(code: .permissionDenied, message: "only a worker with a cluster token may ask for this")
        case .worker where !isForWorkers && service != LinkHello.method.service:
            throw RPCError(code: .permissionDenied, message: "only a member of this swarm may ask for this")
        case .member, .worker:
            return try await next(request, context)
        }
    }
}
