import NIOCore
import NIOPosix
import Synchronization

/// Stands between a caller and a listener: passes bytes on, remembers what the caller sent, and can fall silent without
/// closing, as a dead machine does.
final class RecordingProxy: Sendable {
    private struct State {
        var sent = ByteBuffer()
        var isDead = false
        var target: Int
    }

    private let listener: any Channel
    private let state: Mutex<State>

    /// - Parameter target: the port on 127.0.0.1 to pass on to.
    static func start(target: Int) async throws -> RecordingProxy {
        let box = NIOLockedProxy()
        let listener = try await ServerBootstrap(group: .singletonMultiThreadedEventLoopGroup)
            .childChannelOption(.autoRead, value: false)
            .childChannelInitializer { inbound in
                guard let proxy = box.proxy else { return inbound.eventLoop.makeFailedFuture(ChannelError.eof) }
                return ClientBootstrap(group: inbound.eventLoop)
                    .channelInitializer { outbound in
                        outbound.eventLoop.makeCompletedFuture {
                            try outbound.pipeline.syncOperations.addHandler(
                                Passer(to: inbound) { proxy.passes($0, isFromCaller: false) })
                        }
                    }
                    .connect(host: "127.0.0.1", port: target)
                    .flatMapThrowing { outbound in
                        try inbound.pipeline.syncOperations.addHandler(
                            Passer(to: outbound) { proxy.passes($0, isFromCaller: true) })
                    }
                    .flatMap { inbound.setOption(.autoRead, value: true) }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        let proxy = RecordingProxy(listener: listener, target: target)
        box.proxy = proxy
        return proxy
    }

    private init(listener: any Channel, target: Int) {
        self.listener = listener
        self.state = Mutex(State(target: target))
    }

    var port: Int { listener.localAddress?.port ?? 0 }

    /// What callers have sent so far.
    var sent: ByteBuffer { state.withLock { $0.sent } }

    /// From now on nothing passes, and nothing closes.
    func die() { state.withLock { $0.isDead = true } }

    func stop() async { try? await listener.close() }

    private func passes(_ bytes: ByteBuffer, isFromCaller: Bool) -> Bool {
        state.withLock { state in
            if isFromCaller { state.sent.writeImmutableBuffer(bytes) }
            return !state.isDead
        }
    }

    private final class NIOLockedProxy: Sendable {
        private let value = Mutex<RecordingProxy?>(nil)

        var proxy: RecordingProxy? {
            get { value.withLock { $0 } }
            set { value.withLock { $0 = newValue } }
        }
    }

    private final class Passer: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer

        private let other: any Channel
        private let passes: @Sendable (ByteBuffer) -> Bool

        init(to other: any Channel, _ passes: @escaping @Sendable (ByteBuffer) -> Bool) {
            self.other = other
            self.passes = passes
        }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            let bytes = unwrapInboundIn(data)
            if passes(bytes) { other.writeAndFlush(bytes, promise: nil) }
        }

        func channelInactive(context: ChannelHandlerContext) {
            if passes(ByteBuffer()) { other.close(promise: nil) }
        }
    }
}
