import Logging
import NIOCore
import NIOSSL
import NIOTLS

/// Stands behind the TLS handler of each accepted connection, or first where there is none: a handshake has to end in time, in TLS 1.3, or the
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
    private let timeout: Duration?
    private let lingering: LingeringClose?
    private var state = State.handshaking(timeout: nil)
    private var isCounted = false

    /// - Parameters:
    ///   - timeout: for the handshake; `nil` where there is none to wait for.
    ///   - lingering: told when the handshake has ended well.
    init(ledger: ConnectionLedger, timeout: Duration?, lingering: LingeringClose? = nil) {
        self.ledger = ledger
        self.timeout = timeout
        self.lingering = lingering
    }

    func handlerAdded(context: ChannelHandlerContext) {
        if ledger.isStopping { context.close(promise: nil) }
        if context.channel.isActive { _ = begin(context) }
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        end(context)
    }

    func channelActive(context: ChannelHandlerContext) {
        // What is turned away goes no further: nobody would answer for it there.
        if begin(context) { context.fireChannelActive() }
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
            lingering?.handshakeCompleted()
            ledger.handshakeEnded(context.channel)
            ledger.proven(context.channel)
        }
        context.fireUserInboundEventTriggered(event)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        // TLS closes the connection itself, once its alert is out.
        if case .handshaking = state { refuse(context, error, closes: !(error is NIOSSLError)) }
        context.fireErrorCaught(error)
    }

    /// - Returns: whether the connection may go on.
    private func begin(_ context: ChannelHandlerContext) -> Bool {
        guard !isCounted else { return true }
        isCounted = true
        guard ledger.opened(context.channel) else {
            if ledger.isStopping {
                state = .refused
                ledger.handshakeEnded(context.channel)
                context.close(promise: nil)
            } else {
                refuse(context, TooManyConnections())
            }
            return false
        }
        guard let timeout else {
            state = .proven
            ledger.handshakeEnded(context.channel)
            return true
        }
        let bound = NIOLoopBound((guard: self, context: context), eventLoop: context.eventLoop)
        let timer = context.eventLoop.scheduleTask(in: TimeAmount(timeout)) {
            let (handshakeGuard, context) = bound.value
            if case .handshaking = handshakeGuard.state { handshakeGuard.refuse(context, HandshakeTimedOut()) }
        }
        state = .handshaking(timeout: timer)
        return true
    }

    private func refuse(_ context: ChannelHandlerContext, _ error: any Error, closes: Bool = true) {
        if case .handshaking(let timeout) = state { timeout?.cancel() }
        state = .refused
        ledger.handshakeEnded(context.channel)
        ledger.logRefusal(of: context.remoteAddress, error: error, on: context.eventLoop)
        if closes { context.close(mode: .all, promise: nil) }
    }

    private func end(_ context: ChannelHandlerContext) {
        guard isCounted else { return }
        isCounted = false
        if case .handshaking(let timeout) = state {
            timeout?.cancel()
            ledger.handshakeEnded(context.channel)
            state = .refused
        }
        ledger.closed(context.channel)
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
