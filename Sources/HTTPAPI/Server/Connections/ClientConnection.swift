import NIOCore
import Synchronization

/// Whether the client is still there, as its connection tells it.
///
/// A client that closes its side of the connection is gone: nobody reads what is generated for it any more.
final class ClientConnection: Sendable {
    private struct State {
        var isClosed = false
        var nextObserver = 0
        var observers: [Int: AsyncStream<Never>.Continuation] = [:]
    }

    private let state = Mutex(State())

    /// Returns when the client has closed the connection, or when the task is cancelled.
    func closed() async {
        let (stream, continuation) = AsyncStream.makeStream(of: Never.self)
        let observer = state.withLock { state -> Int? in
            guard !state.isClosed else { return nil }
            state.nextObserver += 1
            state.observers[state.nextObserver] = continuation
            return state.nextObserver
        }
        guard let observer else { return }
        for await _ in stream {}
        state.withLock { _ = $0.observers.removeValue(forKey: observer) }
    }

    fileprivate func close() {
        let observers = state.withLock { state in
            state.isClosed = true
            defer { state.observers = [:] }
            return state.observers
        }
        for observer in observers.values { observer.finish() }
    }
}

/// Sees the end of a connection in its channel, and passes everything on.
///
/// Not `Sendable`: it lives on its channel's event loop, and hands out only the ``ClientConnection``.
final class ConnectionWatch: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = NIOAny

    let connection = ClientConnection()

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case ChannelEvent.inputClosed? = event as? ChannelEvent { connection.close() }
        context.fireUserInboundEventTriggered(event)
    }

    func channelInactive(context: ChannelHandlerContext) {
        connection.close()
        context.fireChannelInactive()
    }
}

extension APIRequestContext {
    /// The connection's watch, which the server puts into every channel.
    func clientConnection() async throws -> ClientConnection {
        let channel = self.channel
        return try await channel.eventLoop.submit {
            try channel.pipeline.syncOperations.handler(type: ConnectionWatch.self).connection
        }.get()
    }
}
