import GRPCCore
import NIOCore
import NIOTLS
import Synchronization

/// A connection over which bytes of shards are asked for, one request after the other.
final class ShardConnection: Sendable {
    /// The pieces of an answer as they come; no more than a few wait to be read.
    typealias Answer = NIOThrowingAsyncSequenceProducer<
        ShardChunk, any Error, NIOAsyncSequenceProducerBackPressureStrategies.HighLowWatermark, ShardReading
    >

    /// Pieces are what one read from the socket brings: 64 KiB or less.
    private static let pace = NIOAsyncSequenceProducerBackPressureStrategies.HighLowWatermark(
        lowWatermark: 8, highWatermark: 16)

    private let channel: any Channel
    private let receiver: NIOLoopBound<ShardReceiver>
    /// The answer that was asked for last.
    private let last = Mutex<ShardReading?>(nil)

    /// - Parameter receiver: a handler of `channel`.
    init(channel: any Channel, receiver: NIOLoopBound<ShardReceiver>) {
        self.channel = channel
        self.receiver = receiver
    }

    /// Whether something can be asked now.
    var isReady: Bool { channel.isActive && last.withLock { $0?.isOver ?? true } }

    func ask(_ request: Shoal_V1_FetchShardRequest) throws -> Answer {
        let request = try ShardFrames.request(request)
        let reading = ShardReading(channel: channel)
        last.withLock { $0 = reading }
        let answer = Answer.makeSequence(
            elementType: ShardChunk.self, failureType: (any Error).self, backPressureStrategy: Self.pace,
            finishOnDeinit: true, delegate: reading)
        channel.eventLoop.execute { [receiver, channel] in
            receiver.value.current = (answer.source, reading)
            guard channel.isActive else { return receiver.value.end(ShardReceiver.broken) }
            channel.writeAndFlush(request, promise: nil)
        }
        return answer.sequence
    }

    func close() {
        channel.close(promise: nil)
    }
}

/// The reading of one answer.
final class ShardReading: NIOAsyncSequenceProducerDelegate {
    private let channel: any Channel
    private let over = Mutex(false)

    init(channel: any Channel) {
        self.channel = channel
    }

    /// Whether all of the answer has come.
    var isOver: Bool { over.withLock { $0 } }

    func end() { over.withLock { $0 = true } }

    func produceMore() {
        channel.setOption(.autoRead, value: true).whenSuccess { [channel] in channel.read() }
    }

    func didTerminate() {
        // Whoever stops reading within an answer does not want the rest.
        if !isOver { channel.close(promise: nil) }
    }
}

/// Reads answers. The last handler of its connection.
final class ShardReceiver: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    static let broken = RPCError(code: .unavailable, message: "the connection broke off")

    /// Who takes what comes.
    var current: (source: ShardConnection.Answer.Source, reading: ShardReading)?
    private var reader = ShardAnswerReader()
    private var proven: EventLoopPromise<Void>?

    /// - Parameter proven: succeeds when both sides have proven who they are.
    init(proven: EventLoopPromise<Void>) {
        self.proven = proven
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case TLSUserEvent.handshakeCompleted = event {
            proven?.succeed()
            proven = nil
        }
        context.fireUserInboundEventTriggered(event)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var bytes = unwrapInboundIn(data)
        do throws(RPCError) {
            while let event = try reader.next(&bytes) {
                switch event {
                case .chunk(let chunk):
                    guard let (source, _) = current else {
                        throw RPCError(code: .internalError, message: "bytes that nobody asked for")
                    }
                    switch source.yield(chunk) {
                    case .produceMore, .dropped: break
                    case .stopProducing: context.channel.setOption(.autoRead, value: false).whenFailure { _ in }
                    }
                case .end(let failure):
                    guard bytes.readableBytes == 0 else {
                        throw RPCError(code: .internalError, message: "bytes behind an answer's end")
                    }
                    end(failure)
                }
            }
        } catch {
            fail(error, context)
        }
    }

    func channelInactive(context: ChannelHandlerContext) {
        fail(Self.broken, context)
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        fail(error, context)
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        fail(Self.broken, context)
    }

    /// The answer is over; another may be asked for unless the connection is gone.
    func end(_ failure: (any Error)?) {
        let answer = current
        current = nil
        answer?.reading.end()
        if let failure { answer?.source.finish(failure) } else { answer?.source.finish() }
    }

    private func fail(_ error: any Error, _ context: ChannelHandlerContext) {
        proven?.fail(error)
        proven = nil
        let answer = current
        current = nil
        answer?.source.finish(error)
        context.close(promise: nil)
    }
}
