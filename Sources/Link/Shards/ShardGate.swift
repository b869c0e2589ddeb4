import GRPCCore
import Identifiers
import NIOCore
import NIOSSL
import NIOTLS

/// Stands between the TLS and the gRPC of each accepted connection, and takes over those that negotiated no protocol: requests for
/// bytes of shards come over them. Everybody else is let through.
///
/// Until it is known which of them a connection is, gRPC is not told that there is one: it would greet it.
final class ShardGate: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private enum State {
        case undecided(isActive: Bool)
        case passing
        /// Waits for a request of the peer, but not for ever.
        case idle(NodeID, timeout: Scheduled<Void>)
        case answering(NodeID, Task<Void, Never>, ShardWriter)
        /// The answer is complete, but not all of it is out.
        case draining(NodeID, timeout: Scheduled<Void>, isLast: Bool)
        case closed
    }

    /// How long a connection is kept on which nothing is asked.
    private static let patience = TimeAmount.seconds(60)
    /// How long the last megabyte of an answer may take.
    private static let drainTime = TimeAmount.seconds(300)
    /// How long the other side has to take why the connection is closed.
    private static let farewell = TimeAmount.seconds(5)

    private let shards: LinkShards?
    private let ledger: ConnectionLedger
    private var state = State.undecided(isActive: false)
    private var reader = ShardRequestReader()
    private var isLeaving = false

    /// - Parameter shards: answers; `nil` where connections without a protocol are closed.
    init(shards: LinkShards?, ledger: ConnectionLedger) {
        self.shards = shards
        self.ledger = ledger
    }

    func channelActive(context: ChannelHandlerContext) {
        if case .undecided = state { state = .undecided(isActive: true) } else { context.fireChannelActive() }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        switch (state, event) {
        case (.undecided(let isActive), TLSUserEvent.handshakeCompleted(let negotiated)):
            if negotiated == nil, let shards {
                take(context, shards)
            } else {
                state = .passing
                if isActive { context.fireChannelActive() }
                context.fireUserInboundEventTriggered(event)
            }
        case (.idle, is ChannelShouldQuiesceEvent):
            close(context)
        case (.answering, is ChannelShouldQuiesceEvent), (.draining, is ChannelShouldQuiesceEvent):
            isLeaving = true
        case (.idle, _), (.answering, _), (.draining, _), (.closed, _):
            break
        case (.undecided, _), (.passing, _):
            context.fireUserInboundEventTriggered(event)
        }
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch state {
        case .passing:
            context.fireChannelRead(data)
        case .idle(let peer, let timeout):
            do throws(RPCError) {
                guard let request = try reader.read(unwrapInboundIn(data)) else { return }
                timeout.cancel()
                answer(request, from: peer, context)
            } catch {
                finish(context, peer, error, closes: true)
            }
        case .answering(let peer, let task, let writer):
            // One thing after the other: nothing has to be kept for later then.
            writer.end(CancellationError())
            task.cancel()
            finish(
                context, peer, RPCError(code: .failedPrecondition, message: "asked before the answer was out"),
                closes: true)
        case .draining(_, _, isLast: false):
            close(context)
        case .undecided, .draining, .closed:
            break
        }
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        switch state {
        case .undecided, .passing: context.fireChannelReadComplete()
        case .idle, .answering, .draining, .closed: break
        }
    }

    func channelInactive(context: ChannelHandlerContext) {
        end()
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        switch state {
        case .undecided, .passing: context.fireErrorCaught(error)
        case .idle, .answering, .draining, .closed: close(context)
        }
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        end()
    }

    private func take(_ context: ChannelHandlerContext, _ shards: LinkShards) {
        // The handshake checked the proof's signatures; here it is only read again.
        guard let chain = try? context.channel.pipeline.syncOperations.nioSSL_peerValidatedCertificateChain(),
            let leaf = try? chain.leaf.toDERBytes(), let proof = try? NodeCertificate(derBytes: leaf).proof,
            case .member(let peer) = proof.claimed, ledger.entered(peer)
        else {
            close(context)
            return
        }
        wait(context, for: peer)
    }

    private func wait(_ context: ChannelHandlerContext, for peer: NodeID) {
        let bound = NIOLoopBound((gate: self, context: context), eventLoop: context.eventLoop)
        let timeout = context.eventLoop.scheduleTask(in: Self.patience) { bound.value.gate.close(bound.value.context) }
        state = .idle(peer, timeout: timeout)
    }

    private func answer(
        _ request: Shoal_V1_FetchShardRequest, from peer: NodeID, _ context: ChannelHandlerContext
    ) {
        guard let shards else { return close(context) }
        let loop = context.eventLoop
        let bound = NIOLoopBound((gate: self, context: context), eventLoop: loop)
        let writer = ShardWriter { chunk, writer in
            loop.execute { bound.value.gate.write(chunk, bound.value.context, writer) }
        }
        let task = ledger.run {
            var failure: RPCError?
            do {
                try await shards.answer(request, peer, RPCWriter(wrapping: writer))
            } catch let error as RPCError {
                failure = error
            } catch {
                failure = RPCError(code: .unknown, message: "the bytes could not be sent")
            }
            loop.execute { [failure] in bound.value.gate.finish(bound.value.context, peer, failure, closes: false) }
        }
        state = .answering(peer, task, writer)
    }

    private func write(_ chunk: ShardChunk, _ context: ChannelHandlerContext, _ writer: ShardWriter) {
        // A frame of no bytes would end the answer.
        guard case .answering(_, _, let current) = state, current === writer, chunk.count > 0 else { return }
        let promise = context.eventLoop.makePromise(of: Void.self)
        promise.futureResult.whenComplete { result in
            switch result {
            case .success: writer.sent(chunk.count)
            case .failure(let error): writer.end(error)
            }
        }
        context.write(wrapOutboundOut(ShardFrames.head(of: chunk)), promise: nil)
        context.writeAndFlush(wrapOutboundOut(chunk.bytes), promise: promise)
    }

    /// Ends the answer; the next request may come when all of it is out.
    private func finish(_ context: ChannelHandlerContext, _ peer: NodeID, _ failure: RPCError?, closes: Bool) {
        switch state {
        case .undecided, .passing, .draining, .closed: return
        case .idle(_, let timeout): timeout.cancel()
        case .answering: break
        }
        let isLast = closes || isLeaving
        let bound = NIOLoopBound((gate: self, context: context), eventLoop: context.eventLoop)
        let timeout = context.eventLoop.scheduleTask(in: isLast ? Self.farewell : Self.drainTime) {
            bound.value.gate.close(bound.value.context)
        }
        state = .draining(peer, timeout: timeout, isLast: isLast)
        context.writeAndFlush(wrapOutboundOut(ShardFrames.end(failure))).whenComplete { _ in
            bound.value.gate.drained(bound.value.context)
        }
    }

    private func drained(_ context: ChannelHandlerContext) {
        guard case .draining(let peer, let timeout, let isLast) = state else { return }
        if isLast || isLeaving { return close(context) }
        timeout.cancel()
        wait(context, for: peer)
    }

    private func close(_ context: ChannelHandlerContext) {
        end()
        context.close(promise: nil)
    }

    /// Ends what goes on.
    private func end() {
        switch state {
        case .idle(let peer, let timeout), .draining(let peer, let timeout, _):
            timeout.cancel()
            ledger.left(peer)
        case .answering(let peer, let task, let writer):
            writer.end(ChannelError.ioOnClosedChannel)
            task.cancel()
            ledger.left(peer)
        case .undecided, .closed:
            break
        case .passing:
            return
        }
        state = .closed
    }
}
