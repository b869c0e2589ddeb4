import Logging
import NIOCore
import NIOSSL
import NIOTLS
import Synchronization

/// Counts the connections of one listener, and remembers why the last certificate on each event loop was refused.
final class ConnectionLedger: Sendable {
    private struct State {
        var open = 0
        var handshaking = 0
        var refusals: [ObjectIdentifier: LinkError] = [:]
        var noticesThisMinute = 0
        var minuteStart = NIODeadline.now()
    }

    private let state = Mutex(State())
    private let limits: LinkLimits
    private let logger: Logger

    init(limits: LinkLimits, logger: Logger) {
        self.limits = limits
        self.logger = logger
    }

    /// Whether there is room for one more connection, which `handshakeEnded` and `closed` have to follow.
    func opened() -> Bool {
        state.withLock { state in
            state.open += 1
            state.handshaking += 1
            return state.open <= limits.connections && state.handshaking <= limits.handshakes
        }
    }

    func handshakeEnded() { state.withLock { $0.handshaking -= 1 } }
    func closed() { state.withLock { $0.open -= 1 } }

    /// Called by the verification callback, on the connection's event loop, just before the handshake fails there.
    func refused(_ error: LinkError, on eventLoop: any EventLoop) {
        state.withLock { $0.refusals[ObjectIdentifier(eventLoop)] = error }
    }

    /// Logs one refused connection; at most 30 notices a minute, the rest at debug level.
    func logRefusal(of remote: SocketAddress?, error: any Error, on eventLoop: any EventLoop) {
        let (reason, level) = state.withLock { state -> (String, Logger.Level) in
            if NIODeadline.now() - state.minuteStart > .minutes(1) {
                state.minuteStart = .now()
                state.noticesThisMinute = 0
            }
            state.noticesThisMinute += 1
            let refusal = state.refusals.removeValue(forKey: ObjectIdentifier(eventLoop))
            return (refusal?.message ?? "\(error)", state.noticesThisMinute <= 30 ? .notice : .debug)
        }
        logger.log(
            level: level, "refused a connection",
            metadata: ["remote": "\(remote.map { "\($0)" } ?? "unknown")", "reason": "\(reason)"])
    }
}

/// Stands behind the TLS handler of each accepted connection: a handshake has to end in time, in TLS 1.3, or the
/// connection is closed and the refusal logged once.
final class HandshakeGuard: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer

    private enum State {
        case handshaking(timeout: Scheduled<Void>?)
        case proven
        case refused
    }

    private struct HandshakeTimedOut: Error, CustomStringConvertible {
        let description = "the TLS handshake took too long"
    }

    private struct OldProtocol: Error, CustomStringConvertible {
        let description = "the peer does not speak TLS 1.3"
    }

    private struct TooManyConnections: Error, CustomStringConvertible {
        let description = "too many connections"
    }

    private let ledger: ConnectionLedger
    private let timeout: Duration
    private var state = State.handshaking(timeout: nil)
    private var isCounted = false

    init(ledger: ConnectionLedger, timeout: Duration) {
        self.ledger = ledger
        self.timeout = timeout
    }

    func handlerAdded(context: ChannelHandlerContext) {
        if context.channel.isActive { begin(context) }
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        end(context)
    }

    func channelActive(context: ChannelHandlerContext) {
        begin(context)
        context.fireChannelActive()
    }

    func channelInactive(context: ChannelHandlerContext) {
        end(context)
        context.fireChannelInactive()
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case .handshakeCompleted = event as? TLSUserEvent, case .handshaking(let timeout) = state {
            timeout?.cancel()
            let version = try? context.channel.pipeline.syncOperations.nioSSL_tlsVersion()
            guard version == .tlsv13 else {
                refuse(context, OldProtocol())
                return
            }
            state = .proven
            ledger.handshakeEnded()
        }
        context.fireUserInboundEventTriggered(event)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        if case .handshaking = state { refuse(context, error) }
        context.fireErrorCaught(error)
    }

    private func begin(_ context: ChannelHandlerContext) {
        guard !isCounted else { return }
        isCounted = true
        guard ledger.opened() else {
            refuse(context, TooManyConnections())
            return
        }
        let bound = NIOLoopBound((guard: self, context: context), eventLoop: context.eventLoop)
        let timer = context.eventLoop.scheduleTask(in: TimeAmount(timeout)) {
            let (handshakeGuard, context) = bound.value
            if case .handshaking = handshakeGuard.state { handshakeGuard.refuse(context, HandshakeTimedOut()) }
        }
        state = .handshaking(timeout: timer)
    }

    private func refuse(_ context: ChannelHandlerContext, _ error: any Error) {
        if case .handshaking(let timeout) = state { timeout?.cancel() }
        state = .refused
        ledger.handshakeEnded()
        ledger.logRefusal(of: context.remoteAddress, error: error, on: context.eventLoop)
        context.close(mode: .all, promise: nil)
    }

    private func end(_ context: ChannelHandlerContext) {
        guard isCounted else { return }
        isCounted = false
        if case .handshaking(let timeout) = state {
            timeout?.cancel()
            ledger.handshakeEnded()
            state = .refused
        }
        ledger.closed()
    }
}

/// Keeps a failed `accept` (no file descriptors left, a caller that hung up) from ending the listener.
final class AcceptErrorGuard: ChannelInboundHandler {
    typealias InboundIn = Any

    private let logger: Logger

    init(logger: Logger) {
        self.logger = logger
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        logger.warning("a connection could not be accepted", metadata: ["error": "\(error)"])
    }
}
