import Events
import Foundation
import GRPCCore
import Identifiers
import Link
import Logging
import ShoalTestSupport
import Store
import Testing
import Timing

@testable import Swarm

/// Refuses what these tests do not ask for.
struct NoRequests: NodeRequestHandler {
    func prepareWindow(
        _ request: Shoal_V1_PrepareWindowRequest, from peer: NodeID, response: RPCWriter<Shoal_V1_PrepareWindowProgress>
    ) async throws {
        throw RPCError(code: .unimplemented, message: "not here")
    }

    func fetchHeader(_ request: Shoal_V1_FetchHeaderRequest, from peer: NodeID, response: RPCWriter<Shoal_V1_FileChunk>)
        async throws
    {
        throw RPCError(code: .unimplemented, message: "not here")
    }
}

extension NoRequests: ShardRequestHandler {
    func describeShard(_ request: Shoal_V1_DescribeShardRequest, from peer: NodeID) async throws
        -> Shoal_V1_ShardDescription
    {
        throw RPCError(code: .unimplemented, message: "not here")
    }

    func fetchShard(_ request: Shoal_V1_FetchShardRequest, from peer: NodeID, response: RPCWriter<ShardChunk>)
        async throws
    {
        throw RPCError(code: .unimplemented, message: "not here")
    }
}

/// A real node of a swarm on loopback: service and listener.
struct SwarmNode: Sendable {
    let identity: NodeIdentity
    let credentials: CurrentCredentials
    let swarm: SwarmService
    let store: Store
    let keyPath: String?

    init(
        key: SwarmKey, identity: NodeIdentity = NodeIdentity(), store: Store? = nil, keyPath: String? = nil,
        nickname: String = "",
        limits: PeerTable.Limits = SwarmNode.quick
    ) throws {
        self.identity = identity
        self.keyPath = keyPath
        let store = try store ?? Store.inMemory()
        self.store = store
        credentials = try CurrentCredentials(LinkCredentials(identity: identity, swarm: key))
        var record = NodeRecord()
        record.nickname = nickname
        swarm = try SwarmService(
            identity: identity, credentials: credentials, record: record, swarmKeyPath: keyPath, store: store,
            events: EventBus(),
            limits: limits, random: SeededRandom(seed: 42),
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
    }

    /// Calls again soon, so that tests need not wait.
    static var quick: PeerTable.Limits {
        var limits = PeerTable.Limits()
        limits.backOff.first = .milliseconds(200)
        limits.backOff.longest = .milliseconds(500)
        limits.courtesy = .milliseconds(200)
        limits.afterLeaving = .milliseconds(500)
        limits.settled = .seconds(1)
        return limits
    }

    /// Runs the node for the time of `body`; `isDialable` says whether others are told its address.
    func run<Result: Sendable>(
        port: Int = 0, isDialable: Bool = true, gracefully: Bool = false,
        _ body: @Sendable (LinkAddress) async throws -> Result
    ) async throws -> Result {
        let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        let server = try LinkServer(
            network: LinkAddress(host: "127.0.0.1", port: port), credentials: credentials,
            services: [SwarmNodeService(swarm: swarm, requests: NoRequests(), shards: NoRequests())], logger: logger)
        return try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await server.run() }
            let address = try #require(LinkAddress(host: "127.0.0.1", port: try await server.port))
            if isDialable { swarm.listening(host: "127.0.0.1", port: address.port) }
            group.addTask { try await self.swarm.run() }
            let result = try await body(address)
            group.cancelAll()
            return result
        }
    }

    var healthyPeers: Set<NodeID> { Set(swarm.peers().filter(\.healthy).map(\.id)) }
}
