import NIOCore

/// Stands before the TLS handler of each accepted connection: a handshake that fails is ended so that the other side learns why.
///
/// Closing a socket at once, with bytes in it that nobody has read, makes the kernel send a reset, which overtakes TLS's alert. So only
/// the own side is closed first; the connection goes when the caller has gone, or a second later.
final class LingeringClose: ChannelDuplexHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer
    typealias OutboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private static let patience = TimeAmount.seconds(1)

    private var isHandshaking = true
    private var isLingering = false

    /// From here on the connection is closed like any other.
    func handshakeCompleted() { isHandshaking = false }

    func close(context: ChannelHandlerContext, mode: CloseMode, promise: EventLoopPromise<Void>?) {
        guard mode == .all, isHandshaking, !isLingering, context.channel.isActive else {
            context.close(mode: mode, promise: promise)
            return
        }
        isLingering = true
        context.close(mode: .output, promise: nil)
        let bound = NIOLoopBound(context, eventLoop: context.eventLoop)
        context.eventLoop.scheduleTask(in: Self.patience) { bound.value.close(mode: .all, promise: promise) }
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        if !isLingering { context.fireChannelRead(data) }
    }
}
