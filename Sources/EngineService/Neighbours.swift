internal import Engine
internal import Foundation
internal import GRPCCore
internal import Link
internal import Logging
internal import SwiftProtobuf
internal import Synchronization

/// Another engine that this one sends to is out of reach.
struct NeighbourLost: Error {
    let nodeID: Data
    let message: String
}

/// The streams to the engines that this one sends frames to: one each, for all sessions, kept open.
final class Neighbours: Sendable {
    private let credentials: CurrentCredentials
    private let loop: LinkLoop
    private let logger: Logger
    private let links = Mutex<[LinkEndpoint: Task<Neighbour, any Error>]>([:])

    private static let dialTimeout = Duration.seconds(3)

    init(credentials: CurrentCredentials, loop: LinkLoop, logger: Logger) {
        self.credentials = credentials
        self.loop = loop
        self.logger = logger
    }

    /// The link to an engine, dialled on first use.
    ///
    /// - Returns: `nil` for an endpoint without addresses, which is this process itself.
    func neighbour(at message: Shoal_V1_Endpoint) async throws -> Neighbour? {
        guard !message.addresses.isEmpty else { return nil }
        guard let endpoint = LinkEndpoint(message) else {
            throw EngineError(.badRequest, "the endpoint of a neighbour is malformed")
        }
        let dialling = links.withLock { links in
            if let present = links[endpoint] { return present }
            let task = Task { [credentials, loop, logger] in
                let channel = try await LinkChannel.connect(
                    to: endpoint, credentials: credentials, timeout: Self.dialTimeout, loop: loop)
                return Neighbour(channel: channel, nodeID: message.nodeID, loop: loop, logger: logger) { [weak self] in
                    self?.forget(endpoint)
                }
            }
            links[endpoint] = task
            return task
        }
        do {
            return try await dialling.value
        } catch {
            forget(endpoint)
            throw NeighbourLost(nodeID: message.nodeID, message: "cannot reach the next engine: \(error)")
        }
    }

    private func forget(_ endpoint: LinkEndpoint) {
        links.withLock { $0[endpoint] = nil }
    }
}

/// One open stream of frames to another engine.
final class Neighbour: Sendable {
    private struct State {
        var watchers: [SessionID: @Sendable (NeighbourLost) -> Void] = [:]
        var lost: NeighbourLost?
    }

    private let frames: AsyncStream<Shoal_V1_Frame>.Continuation
    private let state: Mutex<State>
    private let nodeID: Data
    /// The stream, owned for as long as the link is: it ends when the other side goes or `frames` finishes.
    private let exchange: Mutex<Task<Void, Never>?>

    init(
        channel: LinkChannel, nodeID: Data, loop: LinkLoop, logger: Logger, onEnd: @escaping @Sendable () -> Void
    ) {
        let (stream, continuation) = AsyncStream.makeStream(of: Shoal_V1_Frame.self)
        frames = continuation
        self.nodeID = nodeID
        state = Mutex(State())
        exchange = Mutex(nil)
        let task = Task(executorPreference: loop) { [weak self] in
            var reason = "the stream to the next engine ended"
            do {
                try await channel.segment.exchange { writer in
                    for await frame in stream { try await writer.write(frame) }
                } onResponse: { response in
                    for try await _ in response.messages {}
                }
            } catch {
                reason = "the stream to the next engine broke: \(error)"
            }
            logger.debug("\(reason)")
            onEnd()
            self?.lose(reason)
        }
        exchange.withLock { $0 = task }
    }

    deinit {
        frames.finish()
    }

    /// Sends a frame; never waits.
    func send(_ frame: Shoal_V1_Frame) {
        frames.yield(frame)
    }

    /// Has `lost` called, once, when the link breaks while the session runs.
    func watch(_ session: SessionID, _ lost: @escaping @Sendable (NeighbourLost) -> Void) {
        let already = state.withLock { state in
            state.watchers[session] = lost
            return state.lost
        }
        if let already { lost(already) }
    }

    func unwatch(_ session: SessionID) {
        state.withLock { $0.watchers[session] = nil }
    }

    private func lose(_ reason: String) {
        let lost = NeighbourLost(nodeID: nodeID, message: reason)
        let watchers = state.withLock { state in
            state.lost = lost
            defer { state.watchers = [:] }
            return state.watchers
        }
        for watcher in watchers.values { watcher(lost) }
    }
}
