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

    package init(source: ApplicationRequestContextSource) {
        coreContext = .init(source: source)
        channel = source.channel
        requestID = source.logger[metadataKey: "hb.request.id"]?.description ?? ""
    }

    var isOnLoopback: Bool { LoopbackOrigin.isLoopback(channel.remoteAddress) }
}
