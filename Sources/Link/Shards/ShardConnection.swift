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
    private let health: ShardReceiver.Health
    /// The answer that was asked for last.
    private let last = Mutex<ShardReading?>(nil)

    /// - Parameter receiver: a handler of `channel`.
    init(channel: any Channel, receiver: ShardReceiver) {
        self.channel = channel
        self.receiver = NIOLoopBound(receiver, eventLoop: channel.eventLoop)
        health = receiver.health
    }

    /// Whether something can be asked now.
    var isReady: Bool {
        channel.isActive && !health.isBroken && last.withLock { $0?.isComplete ?? true }
    }

    func ask(_ request: Shoal_V1_FetchShardRequest) throws -> Answer {
        let request = try ShardFrames.request(request)
        let reading = ShardReading(channel: channel)
        last.withLock { $0 = reading }
        let answer = Answer.makeSequence(
            elementType: ShardChunk.self, failureType: (any Error).self, backPressureStrategy: Self.pace,
            finishOnDeinit: true, delegate: reading)
        channel.eventLoop.execute { [receiver, channel] in
            receiver.value.current = (answer.source, reading)
            guard channel.isActive else { return receiver.value.end(ShardReceiver.broken(nil)) }
            channel.setOption(.autoRead, value: true).whenFailure { _ in }
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
    private enum Outcome {
        case complete
        case abandoned
    }

    private let channel: any Channel
    private let outcome = Mutex<Outcome?>(nil)

    init(channel: any Channel) {
        self.channel = channel
    }

    /// Whether all of the answer has come while somebody read it.
    var isComplete: Bool { outcome.withLock { $0 == .complete } }

    /// All of the answer has come.
    func end() {
        outcome.withLock { $0 = $0 ?? .complete }
    }

    func produceMore() {
        channel.setOption(.autoRead, value: true).whenSuccess { [channel] in channel.read() }
    }

    func didTerminate() {
        let isAbandoned = outcome.withLock { outcome in
            outcome = outcome ?? .abandoned
            return outcome == .abandoned
        }
        // Whoever stops reading within an answer does not want the rest.
        if isAbandoned { channel.close(promise: nil) }
    }
}

/// Reads answers. The last handler of its connection.
final class ShardReceiver: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    /// Whether anything more can come, for whoever is not on the connection's thread.
    final class Health: Sendable {
        private let broken = Mutex(false)

        var isBroken: Bool { broken.withLock { $0 } }
        func end() { broken.withLock { $0 = true } }
    }

    static func broken(_ cause: (any Error)?) -> RPCError {
        RPCError(code: .unavailable, message: "the connection broke off", cause: cause)
    }

    let health = Health()
    /// Who takes what comes.
    var current: (source: ShardConnection.Answer.Source, reading: ShardReading)?
    /// Succeeds when both sides have proven who they are; fails at the latest when the handler goes.
    let proven: EventLoopFuture<Void>
    private var promise: EventLoopPromise<Void>?
    private var reader = ShardAnswerReader()

    init(on loop: any EventLoop) {
        let promise = loop.makePromise(of: Void.self)
        proven = promise.futureResult
        self.promise = promise
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case TLSUserEvent.handshakeCompleted = event {
            promise?.succeed()
            promise = nil
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
        fail(Self.broken(nil), context)
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        fail(error, context)
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        fail(Self.broken(nil), context)
    }

    /// The answer is over; another may be asked for unless the connection is gone.
    func end(_ failure: (any Error)?) {
        let answer = current
        current = nil
        answer?.reading.end()
        if let failure { answer?.source.finish(failure) } else { answer?.source.finish() }
    }

    /// The other side takes too long to prove who it is.
    func giveUp() {
        promise?.fail(Self.broken(nil))
        promise = nil
    }

    /// Nothing more comes.
    private func fail(_ error: any Error, _ context: ChannelHandlerContext) {
        health.end()
        promise?.fail(error)
        promise = nil
        let answer = current
        current = nil
        answer?.source.finish(error as? RPCError ?? Self.broken(error))
        context.close(promise: nil)
    }
}
