import Accounts
package import Hummingbird
import Logging
package import NIOCore

/// What travels with a request through middleware and routes: its id, its connection, and what is proven about the caller.
package struct APIRequestContext: RequestContext {
    package var coreContext: CoreRequestContextStorage
    /// The connection that the request came in on.
    package let channel: any Channel
    /// Sent back as `x-request-id`; the client's own one where it sent a sensible one.
    package var requestID: String
    package var caller = Caller.nobody
    /// Where the request came from.
    var origin: RequestOrigin
    /// Why the credentials that the request carried prove nothing.
    var credentialFault: CredentialFault?
    /// Where what takes long is done for this request; nil where its body is small.
    var documents: DocumentThreads?

    package init(source: ApplicationRequestContextSource) {
        coreContext = .init(source: source)
        channel = source.channel
        origin = RequestOrigin(source.channel.remoteAddress, [:])
        requestID = source.logger[metadataKey: "hb.request.id"]?.description ?? ""
    }

    var isOnLoopback: Bool { origin.isLoopback }

    /// Where the request came from, for those who count and record it.
    var address: String { origin.address }

    /// Who does what this request asks for, as the audit log says it.
    var actor: AuditActor {
        switch caller {
        case .nobody, .loopback: .nobody(from: address)
        case .nodeKey: .nodeKey(from: address)
        case .user(let principal, _): .principal(principal, from: address)
        }
    }
}
