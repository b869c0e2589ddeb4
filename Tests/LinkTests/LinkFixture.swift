import Foundation
import GRPCCore
import Identifiers
import Logging
import Synchronization

@testable import Link

/// Keeps what is logged, to be asked about.
final class LogRecorder: Sendable {
    private let lines = Mutex<[(level: Logger.Level, text: String)]>([])

    var logger: Logger {
        Logger(label: "test") { _ in Handler(recorder: self) }
    }

    func lines(at level: Logger.Level) -> [String] {
        lines.withLock { $0.filter { $0.level == level }.map(\.text) }
    }

    private struct Handler: LogHandler {
        let recorder: LogRecorder
        var metadata: Logger.Metadata = [:]
        var logLevel: Logger.Level = .trace

        subscript(metadataKey key: String) -> Logger.Metadata.Value? {
            get { metadata[key] }
            set { metadata[key] = newValue }
        }

        func log(event: LogEvent) {
            let text = "\(event.message) \(event.metadata ?? [:])"
            recorder.lines.withLock { $0.append((event.level, text)) }
        }
    }
}

/// Answers each frame with itself; `token.token` carries back whether the caller had a node id.
struct EchoService: Shoal_V1_Segment.SimpleServiceProtocol {
    let callers = CallerList()

    final class CallerList: Sendable {
        let seen = Mutex<[NodeID?]>([])
    }

    func runSession(
        request: RPCAsyncSequence<Shoal_V1_SessionCommand, any Error>, response: RPCWriter<Shoal_V1_SessionEvent>,
        context: ServerContext
    ) async throws {
        throw RPCError(code: .unimplemented, message: "not here")
    }

    func exchange(
        request: RPCAsyncSequence<Shoal_V1_Frame, any Error>, response: RPCWriter<Shoal_V1_Frame>,
        context: ServerContext
    ) async throws {
        callers.seen.withLock { $0.append(context.peer) }
        for try await frame in request { try await response.write(frame) }
    }
}

/// One node: an identity in a swarm, and its credentials.
struct TestNode {
    let identity: NodeIdentity
    let credentials: CurrentCredentials

    init(swarm: SwarmKey, identity: NodeIdentity = NodeIdentity()) throws {
        self.identity = identity
        self.credentials = try CurrentCredentials(LinkCredentials(identity: identity, swarm: swarm))
    }

    var id: NodeID { identity.id }
}

/// Serves `EchoService` for the time of `body`.
func withLinkServer<Result: Sendable>(
    _ node: TestNode?, socketPath: String? = nil, log: LogRecorder = LogRecorder(), limits: LinkLimits = LinkLimits(),
    _ body: (LinkServer, EchoService) async throws -> Result
) async throws -> Result {
    let service = EchoService()
    let server = try LinkServer(
        network: node == nil ? nil : LinkAddress(host: "127.0.0.1", port: 0), socketPath: socketPath,
        credentials: node?.credentials,
        services: [service], limits: limits, logger: log.logger)
    return try await withThrowingTaskGroup(of: Void.self) { group in
        group.addTask { try await server.run() }
        try await server.waitUntilListening()
        let result = try await body(server, service)
        group.cancelAll()
        return result
    }
}

extension LinkChannel {
    /// Sends `count` frames one after the other over one stream, each waiting for its echo; gives the time of each trip.
    func echo(_ frame: Shoal_V1_Frame, count: Int) async throws -> [Duration] {
        let (echoes, continuation) = AsyncStream.makeStream(of: Shoal_V1_Frame.self)
        let clock = ContinuousClock()
        return try await withThrowingTaskGroup(of: [Duration].self) { group in
            group.addTask {
                let times = Mutex<[Duration]>([])
                try await self.segment.exchange { writer in
                    var iterator = echoes.makeAsyncIterator()
                    for _ in 0..<count {
                        let start = clock.now
                        try await writer.write(frame)
                        guard let echo = await iterator.next() else { throw EchoLost() }
                        guard echo == frame else { throw EchoLost() }
                        let trip = clock.now - start
                        times.withLock { $0.append(trip) }
                    }
                } onResponse: { response in
                    for try await message in response.messages { continuation.yield(message) }
                    continuation.finish()
                }
                return times.withLock { $0 }
            }
            return try await group.next() ?? []
        }
    }

    struct EchoLost: Error {}
}
