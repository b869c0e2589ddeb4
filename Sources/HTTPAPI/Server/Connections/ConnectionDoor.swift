import HTTPTypes
import JSON
import NIOCore
import NIOHTTP1
import NIOHTTPTypesHTTP1

/// Puts a ``ConnectionDoor`` in front of a connection's requests. It goes where the request's head is still as it came.
final class ConnectionDoorFitter: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = NIOAny

    private let roster: ConnectionRoster
    private let limits: ConnectionLimits

    init(roster: ConnectionRoster, limits: ConnectionLimits) {
        self.roster = roster
        self.limits = limits
    }

    func handlerAdded(context: ChannelHandlerContext) {
        let pipeline = context.pipeline.syncOperations
        let door = ConnectionDoor(roster: roster, limits: limits)
        do {
            let codec = try pipeline.handler(type: HTTP1ToHTTPServerCodec.self)
            try pipeline.addHandler(door, position: .before(codec))
            try pipeline.addHandler(FirstBytes(door: door), position: .first)
            pipeline.removeHandler(context: context, promise: nil)
        } catch {
            context.close(promise: nil)
        }
    }
}

/// Sees each byte before anything is made of it.
private final class FirstBytes: ChannelInboundHandler {
    typealias InboundIn = NIOAny

    private let door: ConnectionDoor

    init(door: ConnectionDoor) { self.door = door }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        door.bytesCame()
        context.fireChannelRead(data)
    }
}

/// Bounds how many connections there are and how long each may take over a request, and holds requests to what RFC 9112 says of heads.
///
/// - A head comes within ``ConnectionLimits/headTime`` or the connection ends; so does a small body within `bodyTime`, with 408.
/// - Who is answered before the body is here may send the rest for `restTime`.
/// - One `Host`, no more (section 3.2); HTTP/1.0 gets an answer that ends with its connection (section 6.1).
final class ConnectionDoor: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias InboundOut = HTTPServerRequestPart
    typealias OutboundIn = HTTPServerResponsePart
    typealias OutboundOut = HTTPServerResponsePart

    private let roster: ConnectionRoster
    private let limits: ConnectionLimits
    private var context: ChannelHandlerContext?
    private var timer: Scheduled<Void>?
    private var isEntered = false
    /// Requests whose answers have not ended. Clients may send one before the last one is answered.
    private var unanswered = 0
    /// The last request that began is here.
    private var hasRequestEnded = true
    private var hasResponseBegun = false
    /// HTTP/1.0.
    private var isOld = false
    /// Nothing that comes counts any more.
    private var isClosing = false

    init(roster: ConnectionRoster, limits: ConnectionLimits) {
        self.roster = roster
        self.limits = limits
    }

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        if context.channel.isActive { enter(context) }
    }

    func handlerRemoved(context: ChannelHandlerContext) { leave(context) }

    func channelActive(context: ChannelHandlerContext) {
        enter(context)
        context.fireChannelActive()
    }

    func channelInactive(context: ChannelHandlerContext) {
        leave(context)
        context.fireChannelInactive()
    }

    private func enter(_ context: ChannelHandlerContext) {
        guard !isEntered else { return }
        isEntered = roster.entered(context.channel, from: context.remoteAddress?.ipAddress ?? "local")
        guard isEntered else {
            isClosing = true
            context.close(promise: nil)
            return
        }
        start(limits.headTime) { $0.close() }
    }

    private func leave(_ context: ChannelHandlerContext) {
        timer?.cancel()
        if isEntered { roster.left(context.channel) }
        isEntered = false
        self.context = nil
    }

    // MARK: Requests

    /// Called for all that comes, before it is read.
    func bytesCame() {
        guard hasRequestEnded, timer == nil, !isClosing else { return }
        start(limits.headTime) { $0.close() }
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard !isClosing else { return }
        switch unwrapInboundIn(data) {
        case .head(let head):
            begin(head, context)
            guard !isClosing else { return }
        case .body: break
        case .end:
            hasRequestEnded = true
            stop()
            if unanswered == 0 { end() }
        }
        context.fireChannelRead(data)
    }

    private func begin(_ head: HTTPRequestHead, _ context: ChannelHandlerContext) {
        stop()
        if unanswered == 0 { hasResponseBegun = false }
        unanswered += 1
        hasRequestEnded = false
        isOld = isOld || head.version.major == 1 && head.version.minor == 0
        roster.note(context.channel, isBusy: true)
        let hosts = head.headers["host"].count
        guard hosts == 1 || hosts == 0 && isOld else {
            refuse(context, .badRequest, hosts == 0 ? "a request names its host" : "a request names one host")
            return
        }
        let length = head.headers["content-length"].first.flatMap { Int($0) }
        if let length, (1...RequestBodies.smallBytes).contains(length) {
            start(limits.bodyTime) { door in
                guard let context = door.context else { return }
                guard !door.hasResponseBegun, door.unanswered == 1 else { return door.close() }
                door.refuse(context, .requestTimeout, "the body did not come in time")
            }
        }
    }

    // MARK: Answers

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        guard !isClosing else {
            promise?.fail(ChannelError.ioOnClosedChannel)
            return
        }
        switch unwrapOutboundIn(data) {
        case .head(var head):
            // 100 Continue is no answer.
            guard head.status.code >= 200 else { break }
            hasResponseBegun = true
            guard isOld else { break }
            head.version = .http1_0
            head.headers.replaceOrAdd(name: "connection", value: "close")
            context.write(wrapOutboundOut(.head(head)), promise: promise)
            return
        case .body: break
        case .end:
            context.write(data, promise: promise)
            unanswered -= 1
            guard unanswered == 0 else { return }
            if hasRequestEnded { end() } else { start(limits.restTime) { $0.close() } }
            return
        }
        context.write(data, promise: promise)
    }

    /// All requests are answered.
    private func end() {
        stop()
        guard let context else { return }
        roster.note(context.channel, isBusy: false)
        guard isOld else { return }
        isClosing = true
        context.flush()
        context.close(mode: .output, promise: nil)
        start(limits.restTime) { $0.close() }
    }

    /// Answers in place of the node, and ends the connection.
    private func refuse(_ context: ChannelHandlerContext, _ status: HTTPResponseStatus, _ message: String) {
        isClosing = true
        let body = APIFamily.base.errors.rendered(
            APIError(status: .init(code: Int(status.code)), type: "invalid_request_error", message: message)
        ).body.serialized()
        let headers: HTTPHeaders = [
            "content-type": "application/json", "content-length": "\(body.utf8.count)", "connection": "close",
        ]
        context.write(
            wrapOutboundOut(.head(HTTPResponseHead(version: .http1_1, status: status, headers: headers))), promise: nil)
        context.write(wrapOutboundOut(.body(.byteBuffer(ByteBuffer(string: body)))), promise: nil)
        context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
        context.close(mode: .output, promise: nil)
        start(limits.restTime) { $0.close() }
    }

    private func close() { context?.close(promise: nil) }

    // MARK: Time

    /// Does something unless something else happens before.
    private func start(_ time: Duration, _ action: @escaping (ConnectionDoor) -> Void) {
        timer?.cancel()
        guard let context else { return }
        let bound = NIOLoopBound((door: self, action: action), eventLoop: context.eventLoop)
        timer = context.eventLoop.scheduleTask(in: TimeAmount(time)) {
            let (door, action) = bound.value
            door.timer = nil
            action(door)
        }
    }

    private func stop() {
        timer?.cancel()
        timer = nil
    }
}
