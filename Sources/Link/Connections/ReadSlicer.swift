import NIOCore

/// Hands on what was read in small pieces. Stands before the HTTP/2 handler.
///
/// The frame parser of swift-nio-http2 1.x keeps a buffer as large as the largest read so far; while somebody still has bytes
/// of the read before, every further one copies all of the buffer's unused room. Without small pieces that is most of the
/// time that a large transfer takes.
final class ReadSlicer: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer

    /// Each piece costs the HTTP/2 machinery the same, and should not push the others out of the processor's cache. What is
    /// left of an earlier frame's head fits into the same buffer.
    private static let pieceBytes = (64 << 10) - 64

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var rest = unwrapInboundIn(data)
        while rest.readableBytes > Self.pieceBytes, let piece = rest.readSlice(length: Self.pieceBytes) {
            context.fireChannelRead(wrapInboundOut(piece))
        }
        context.fireChannelRead(wrapInboundOut(rest))
    }
}
