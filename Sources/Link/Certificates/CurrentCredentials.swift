import Identifiers
import NIOCertificateReloading
package import NIOSSL
import Synchronization

/// The credentials in force, shared by a node's listeners and channels: when the node moves to another swarm they are
/// replaced here, and every handshake from then on uses the new ones.
package final class CurrentCredentials: Sendable {
    private struct State {
        var credentials: LinkCredentials
        var override: NIOSSLContextConfigurationOverride
    }

    private let state: Mutex<State>

    /// - Throws: `LinkError` with `badCertificate` when certificate or key cannot be read by the TLS library.
    package init(_ credentials: LinkCredentials) throws(LinkError) {
        state = Mutex(State(credentials: credentials, override: try Self.makeOverride(credentials)))
    }

    package var value: LinkCredentials { state.withLock { $0.credentials } }

    /// Connections that stand are left as they are.
    package func replace(with credentials: LinkCredentials) throws(LinkError) {
        let override = try Self.makeOverride(credentials)
        state.withLock { $0 = State(credentials: credentials, override: override) }
    }

    private static func makeOverride(_ credentials: LinkCredentials) throws(LinkError)
        -> NIOSSLContextConfigurationOverride
    {
        do {
            var override = NIOSSLContextConfigurationOverride()
            override.certificateChain = [
                .certificate(try NIOSSLCertificate(bytes: Array(credentials.certificate), format: .der))
            ]
            override.privateKey = .privateKey(
                try NIOSSLPrivateKey(bytes: Array(credentials.privateKey.utf8), format: .pem))
            return override
        } catch {
            throw LinkError(
                .badCertificate, "the credentials of node \(credentials.nodeID.short) cannot be used", cause: error)
        }
    }
}

extension CurrentCredentials: CertificateReloader {
    package var sslContextConfigurationOverride: NIOSSLContextConfigurationOverride {
        state.withLock { $0.override }
    }
}
