import GRPCNIOTransportHTTP2
import Identifiers
import NIOCertificateReloading
import NIOCore
import NIOSSL
import Synchronization

/// Mutual TLS for both ends: each presents the certificate in force, and accepts only what `PeerVerifier` accepts.
struct LinkSecurity: Sendable {
    let credentials: CurrentCredentials

    /// - Parameters:
    ///   - workers: lets workers in besides members.
    ///   - refused: told why a caller's certificate was not accepted.
    func server(workers: WorkerGate?, refused: @escaping @Sendable (LinkError, any EventLoop) -> Void) throws
        -> HTTP2ServerTransport.Posix.TransportSecurity
    {
        try .mTLS(certificateReloader: credentials) { config in
            // "No host name" is the mode in which a certificate is demanded and the callback decides.
            config.clientCertificateVerification = .noHostnameVerification
            config.trustRoots = .certificates([])
            config.requireALPN = true
            config.customVerificationCallback = { [credentials] certificates, promise in
                do throws(LinkError) {
                    _ = try credentials.value.verifier.verify(derBytes: Self.leaf(of: certificates), workers: workers)
                    promise.succeed(Self.verified(certificates))
                } catch {
                    refused(error, promise.futureResult.eventLoop)
                    promise.succeed(.failed)
                }
            }
        }
    }

    /// - Parameter outcome: told whom each connection reached, or why what it reached was not accepted.
    func client(
        expecting expected: NodeID?, outcome: @escaping @Sendable (Result<NodeID, LinkError>) -> Void
    ) throws -> HTTP2ClientTransport.Posix.TransportSecurity {
        try .mTLS(certificateReloader: credentials) { config in
            config.serverCertificateVerification = .noHostnameVerification
            config.trustRoots = .certificates([])
            config.customVerificationCallback = verification(expecting: expected, outcome: outcome)
        }
    }

    /// The same for connections that negotiate no protocol: bytes of shards come over them.
    func shardClient() throws -> NIOSSLContext {
        var configuration = try TLSConfiguration.makeClientConfiguration(certificateReloader: credentials)
        configuration.minimumTLSVersion = .tlsv13
        configuration.certificateVerification = .noHostnameVerification
        configuration.trustRoots = .certificates([])
        return try NIOSSLContext(configuration: configuration)
    }

    /// Accepts `expected`, or any member of the swarm when that is `nil`.
    func verification(
        expecting expected: NodeID?, outcome: @escaping @Sendable (Result<NodeID, LinkError>) -> Void
    ) -> @Sendable ([NIOSSLCertificate], EventLoopPromise<NIOSSLVerificationResultWithMetadata>) -> Void {
        { [credentials] certificates, promise in
            do throws(LinkError) {
                let found = try credentials.value.verifier.verify(derBytes: Self.leaf(of: certificates))
                if let expected, expected != found { throw .wrongNode(expected: expected, found: found) }
                outcome(.success(found))
                promise.succeed(Self.verified(certificates))
            } catch {
                outcome(.failure(error))
                promise.succeed(.failed)
            }
        }
    }

    private static func leaf(of certificates: [NIOSSLCertificate]) throws(LinkError) -> [UInt8] {
        guard let leaf = certificates.first, let bytes = try? leaf.toDERBytes() else {
            throw LinkError(.notAMember, "no certificate was presented")
        }
        return bytes
    }

    private static func verified(_ certificates: [NIOSSLCertificate]) -> NIOSSLVerificationResultWithMetadata {
        .certificateVerified(VerificationMetadata(ValidatedCertificateChain(Array(certificates.prefix(1)))))
    }
}
