internal import Engine
internal import Foundation
internal import GGUF
internal import GRPCCore
internal import Identifiers
internal import Link
internal import SwiftProtobuf

/// What coordinators and neighbouring engines ask of this one.
struct SegmentService: Shoal_V1_Segment.SimpleServiceProtocol {
    let host: EngineHost

    private static let heartbeatInterval = Duration.milliseconds(500)
    /// How long the coordinator may take to end its side of a stream.
    private static let farewell = Duration.seconds(1)

    /// What happens on a session's stream.
    private enum Step {
        /// The session's last event is written.
        case said
        /// The coordinator has ended its side.
        case closed
        case timedOut
    }

    func runSession(
        request: RPCAsyncSequence<Shoal_V1_SessionCommand, any Error>, response: RPCWriter<Shoal_V1_SessionEvent>,
        context: ServerContext
    ) async throws {
        var commands = request.makeAsyncIterator()
        guard case .open(let message)? = try await commands.next()?.command else {
            throw RPCError(code: .invalidArgument, message: "a session begins with `open`")
        }
        var session: RunningSession?
        do {
            session = try await RunningSession(message, host: host)
        } catch {
            try await response.write(.with { $0.failure = SegmentFailure.message(for: error) })
        }
        defer { session?.end() }
        try await withThrowingTaskGroup(of: Step.self) { [session] group in
            nonisolated(unsafe) var commands = commands  // handed over to this task alone
            group.addTask {
                while let command = try await commands.next() {
                    switch command.command {
                    case .start(let start): session?.start(reusedTokens: Int(start.reusedTokens))
                    case .cancel: session?.end()
                    case .open, nil:
                        throw RPCError(code: .invalidArgument, message: "a session takes `start` and `cancel`")
                    }
                }
                return .closed
            }
            group.addTask {
                guard let session else { return .said }
                for await event in session.events {
                    try await response.write(event)
                    if event.isLast { break }
                }
                return .said
            }
            group.addTask {
                while true {
                    try await Task.sleep(for: Self.heartbeatInterval)
                    session?.beat()
                }
            }
            // Both sides end the stream: one that only this side ends is reset, and connections with many of those are closed.
            var (isSaid, isClosed) = (false, false)
            while !isSaid || !isClosed, let step = try await group.next(), step != .timedOut {
                if step == .closed { isClosed = true }
                guard step == .said else { continue }
                isSaid = true
                group.addTask {
                    try await Task.sleep(for: Self.farewell)
                    return .timedOut
                }
            }
            group.cancelAll()
        }
    }

    func exchange(
        request: RPCAsyncSequence<Shoal_V1_Frame, any Error>, response: RPCWriter<Shoal_V1_Frame>,
        context: ServerContext
    ) async throws {
        for try await frame in request {
            if case .ping = frame.frame {
                try await response.write(frame)
            } else {
                host.deliver(frame)
            }
        }
    }
}

extension Shoal_V1_SessionEvent {
    fileprivate var isLast: Bool {
        switch event {
        case .finished, .failure: true
        default: false
        }
    }
}

/// Failures as the coordinator reads them.
enum SegmentFailure {
    static func message(for error: any Error) -> Shoal_V1_SessionFailure {
        if let lost = error as? NeighbourLost {
            return .with {
                $0.code = .failureNeighbourLost
                $0.message = lost.message
                $0.nodeID = lost.nodeID
            }
        }
        if let engine = error as? EngineError { return Shoal_V1_SessionFailure(engine) }
        return Shoal_V1_SessionFailure(EngineError(.badRequest, "\(error)"))
    }
}

/// A session that this engine takes part in, between `open` and the end of its stream.
final class RunningSession: Sendable {
    let id: SessionID
    let window: Window
    let events: AsyncStream<Shoal_V1_SessionEvent>
    private let continuation: AsyncStream<Shoal_V1_SessionEvent>.Continuation
    private let host: EngineHost
    private let neighbours: [Neighbour]

    /// Finds the window, connects to the engines that come next, and asks the window for a place.
    init(_ message: Shoal_V1_OpenSession, host: EngineHost) async throws {
        let request = try SessionRequest(message)
        let layers = try LayerRange(message.layers)
        let model = try host.opened.model()
        guard let window = model.window(layers) else {
            throw EngineError(.windowUnloaded, "the layers \(layers) are not loaded here")
        }
        let (events, continuation) = AsyncStream.makeStream(of: Shoal_V1_SessionEvent.self)
        let next = message.hasNext ? try await host.neighbours.neighbour(at: message.next) : nil
        let first = message.hasFirst ? try await host.neighbours.neighbour(at: message.first) : nil
        guard window.isLast || next != nil || message.hasNext else {
            throw EngineError(
                .badRequest, "the layers \(layers) are not the last ones: the session has to name the next")
        }
        self.host = host
        self.window = window
        self.events = events
        self.continuation = continuation
        id = request.id
        neighbours = [next, first].compactMap { $0 }
        let vocabulary = model.vocabulary
        let outputs = SessionOutputs(
            event: { continuation.yield(Shoal_V1_SessionEvent($0, vocabulary: vocabulary)) },
            hiddenStates: { states in
                let frame = Shoal_V1_Frame(states, firstLayer: layers.end)
                if let next { next.send(frame) } else { host.deliver(frame) }
            },
            nextToken: { token in
                let frame = Shoal_V1_Frame(token)
                if let first { first.send(frame) } else { host.deliver(frame) }
            })
        for neighbour in neighbours {
            neighbour.watch(request.id) { lost in
                continuation.yield(.with { $0.failure = SegmentFailure.message(for: lost) })
            }
        }
        host.directory.add(request.id, window)
        window.open(request, outputs: outputs)
    }

    func start(reusedTokens: Int) { window.start(id, reusedTokens: reusedTokens) }

    /// Tells the coordinator that this engine lives, and how long its computation has taken.
    func beat() {
        let busy = window.busyFor ?? .zero
        continuation.yield(.with { $0.heartbeat = .with { $0.busyMilliseconds = UInt32(busy / .milliseconds(1)) } })
    }

    /// Frees the session; again has no effect.
    func end() {
        window.close(id)
        host.directory.remove(id, window)
        for neighbour in neighbours { neighbour.unwatch(id) }
        continuation.finish()
    }
}
