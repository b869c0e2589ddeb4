import Generation
import HTTPTypes
import Hummingbird
import Inference
import NIOCore
import Synchronization

/// Takes in the bodies of requests, and has the large ones dealt with on ``DocumentThreads``.
///
/// A small body goes to its route at once. A large one is taken in only when there is room for it, within what all large bodies
/// together may take and one caller of that, and its route runs on threads of its own, to the moment at which an answer that is
/// streamed begins, else to its end. Until then its room is taken.
package final class RequestBodies: Sendable {
    /// Up to this many bytes a body is small: read in about a millisecond.
    static let smallBytes = 64 << 10
    /// Room for large bodies, in all and for one caller; a larger one of a caller who has no other is taken in too.
    private static let bytes = 64 << 20
    private static let callerBytes = 16 << 20
    /// Large bodies that may wait: of one caller, and in all.
    private static let callerWaiting = 64
    private static let waiting = 1024
    /// How long a body that takes room may come in for.
    private static let deadline: Duration = .seconds(60)

    private let gate = FairGate(
        places: RequestBodies.bytes, callerPlaces: RequestBodies.callerBytes,
        callerWaiting: RequestBodies.callerWaiting, waiting: RequestBodies.waiting)
    private let threads = DocumentThreads()
    /// Bytes of bodies after which what they took is given back.
    private static let bytesToEnd = 1 << 20
    private let onEnd: @Sendable () -> Void
    /// Bytes of bodies that have been dealt with since it was called last.
    private let dealtWith = Mutex(0)

    /// - Parameter onEnd: called, on a thread that may take long, when bodies of a megabyte have been dealt with and freed.
    package init(onEnd: @escaping @Sendable () -> Void = {}) { self.onEnd = onEnd }

    /// Takes a request's body in and has the request answered.
    ///
    /// - Throws: 413 past the limit, 503 where the node stops before the body is here, 408 where the body comes too slowly, 429 or 503
    ///   where too many wait; what `answer` throws.
    func serve(
        _ request: Request, _ context: APIRequestContext, for share: Share, limitBytes: Int,
        _ answer: @Sendable (Request, APIRequestContext) async throws -> Response
    ) async throws -> Response {
        let length = request.headers[.contentLength].flatMap { Int($0) }
        if let length, length > limitBytes { throw APIError.bodyTooLarge(limitBytes: limitBytes) }
        if let length, length <= Self.smallBytes {
            try await request.goOn(context)
            return try await answer(request, context)
        }
        // What does not say how long it is may be as long as is allowed.
        let (whole, room) = try await withClientPresent(
            try await context.clientConnection(), timeout: nil, shutdownGracePeriod: .zero
        ) {
            let room = try await self.enter(share, length ?? limitBytes)
            try await request.goOn(context)
            let whole = try await Self.within(Self.deadline) { try await request.wholeBody(limitBytes: limitBytes) }
            return (whole, room)
        }
        let size = whole.readableBytes
        room.shrink(to: size)
        defer { withExtendedLifetime(room) {} }
        var (request, context) = (request, context)
        guard size > Self.smallBytes else {
            request.body = RequestBody(buffer: whole)
            return try await answer(request, context)
        }
        request.body = RequestBody(asyncSequence: OneBuffer(whole))
        context.documents = threads
        defer { note(size) }
        return try await withTaskExecutorPreference(threads) { [request, context] in
            try await answer(request, context)
        }
    }

    private func note(_ bytes: Int) {
        let isDue = dealtWith.withLock { sum in
            sum += bytes
            guard sum >= Self.bytesToEnd else { return false }
            sum = 0
            return true
        }
        if isDue { threads.afterwards(onEnd) }
    }

    private func enter(_ share: Share, _ places: Int) async throws -> Room {
        do {
            try await gate.enter(share, places: places)
            return Room(gate, share, places)
        } catch FairGate.Refusal.callerWaits(let count) {
            throw APIError.tooMuchWaits("\(count) of your large requests wait already", isCallers: true)
        } catch FairGate.Refusal.allWait(let count) {
            throw APIError.tooMuchWaits("\(count) large requests wait already", isCallers: false)
        }
    }

    private static func within(
        _ limit: Duration, _ body: @escaping @Sendable () async throws -> ByteBuffer
    ) async throws -> ByteBuffer {
        try await withThrowingTaskGroup(of: ByteBuffer.self) { group in
            defer { group.cancelAll() }
            group.addTask { try await body() }
            group.addTask {
                try await Task.sleep(for: limit)
                throw APIError.bodyTooSlow(limit)
            }
            guard let whole = try await group.next() else { throw CancellationError() }
            return whole
        }
    }
}

/// What a large body takes of the room for all; given back when nobody has it any more.
private final class Room: Sendable {
    private let gate: FairGate
    private let share: Share
    private let places: Mutex<Int>

    init(_ gate: FairGate, _ share: Share, _ places: Int) {
        self.gate = gate
        self.share = share
        self.places = Mutex(places)
    }

    deinit { leave(places.withLock { $0 }) }

    /// Gives back what turned out not to be needed.
    func shrink(to needed: Int) {
        leave(
            places.withLock { places in
                defer { places = min(places, needed) }
                return places - min(places, needed)
            })
    }

    private func leave(_ count: Int) { if count > 0 { gate.leave(share, places: count) } }
}

/// Bytes that can be had once: whoever has read them does not keep them in a second place.
private struct OneBuffer: AsyncSequence, Sendable {
    private final class Place: Sendable {
        private let buffer: Mutex<ByteBuffer?>

        init(_ buffer: ByteBuffer) { self.buffer = Mutex(buffer) }

        func take() -> ByteBuffer? {
            buffer.withLock { buffer in
                defer { buffer = nil }
                return buffer
            }
        }
    }

    struct AsyncIterator: AsyncIteratorProtocol {
        fileprivate let take: () -> ByteBuffer?

        mutating func next() async -> ByteBuffer? { take() }
    }

    private let place: Place

    init(_ buffer: consuming ByteBuffer) { place = Place(buffer) }

    func makeAsyncIterator() -> AsyncIterator { AsyncIterator(take: { [place] in place.take() }) }
}

extension APIError {
    /// 408.
    fileprivate static func bodyTooSlow(_ limit: Duration) -> APIError {
        APIError(
            status: .requestTimeout, type: "invalid_request_error",
            message: "the body did not come within \(Int(limit / .seconds(1))) s")
    }

    /// 429 where it is the caller's own doing, else 503.
    fileprivate static func tooMuchWaits(_ what: String, isCallers: Bool) -> APIError {
        APIError(
            status: isCallers ? .tooManyRequests : .serviceUnavailable,
            type: isCallers ? "rate_limit_error" : "server_error", message: "\(what); try again in a moment",
            headers: [.retryAfter: "5"])
    }
}
