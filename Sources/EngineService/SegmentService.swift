internal import Engine
internal import Foundation
internal import GGUF
internal import GRPCCore
internal import Link
internal import SwiftProtobuf

/// What coordinators and neighbouring engines ask of this one.
struct SegmentService: Shoal_V1_Segment.SimpleServiceProtocol {
    let host: EngineHost

    private static let heartbeatInterval = Duration.milliseconds(500)

    func runSession(
        request: RPCAsyncSequence<Shoal_V1_SessionCommand, any Error>, response: RPCWriter<Shoal_V1_SessionEvent>,
        context: ServerContext
    ) async throws {
        var commands = request.makeAsyncIterator()
        guard case .open(let message)? = try await commands.next()?.command else {
            throw RPCError(code: .invalidArgument, message: "a session begins with `open`")
        }
        let session: RunningSession
        do {
            session = try await RunningSession(message, host: host)
        } catch {
            try await response.write(.with { $0.failure = SegmentFailure.message(for: error) })
            return
        }
        defer { session.end() }
        let (window, id, events) = (session.window, session.id, session.events)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                for await event in events {
                    try await response.write(event)
                    if event.isLast { return }
                }
            }
            group.addTask {
                while true {
                    try await Task.sleep(for: Self.heartbeatInterval)
                    session.beat()
                }
            }
            nonisolated(unsafe) var commands = commands  // handed over to this task alone
            group.addTask {
                while let command = try await commands.next() {
                    switch command.command {
                    case .start(let start): window.start(id, reusedTokens: Int(start.reusedTokens))
                    case .cancel: return
                    case .open, nil:
                        throw RPCError(code: .invalidArgument, message: "a session takes `start` and `cancel`")
                    }
                }
                // The coordinator is done with commands, not with the session: a cancelled or broken stream throws.
                try await Task.sleep(for: .seconds(86_400))
            }
            // Whoever ends first, the last event written or the coordinator gone, ends the session.
            try await group.next()
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

    /// Tells the coordinator that this engine lives, and how long its computation has taken.
    func beat() {
        let busy = window.busyFor ?? .zero
        continuation.yield(.with { $0.heartbeat = .with { $0.busyMilliseconds = UInt32(busy / .milliseconds(1)) } })
    }

    func end() {
        window.close(id)
        host.directory.remove(id, window)
        for neighbour in neighbours { neighbour.unwatch(id) }
        continuation.finish()
    }
}
