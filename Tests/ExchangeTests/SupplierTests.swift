import Acquisition
import BLAKE3
import Foundation
import Hub
import Link
import ModelLibrary
import Store
import Swarm
import Synchronization
import Testing

@Suite("Who is asked for a shard", .timeLimit(.minutes(2)))
struct SupplierTests {
    private static let origin = ModelOrigin(repository: "owner/tiny-GGUF", file: "tiny.gguf")

    /// A hub that nobody listens for.
    private func withAbsentHub(
        _ exchange: ExchangeFixture, _ body: (HubModels) async throws -> Void
    ) async throws {
        var configuration = HubConfiguration()
        configuration.endpoint = try HubEndpoint("http://127.0.0.1:9")
        configuration.maximumAttempts = 1
        let client = try HubClient(configuration: configuration, logger: .quiet)
        try await body(
            HubModels(client: client, library: exchange.asker, shardSizeBytes: ExchangeFixture.shardSizeBytes))
        await client.shutdown()
    }

    private func suppliers(_ peers: [Peer], hub: HubModels) throws -> ShardSuppliers {
        let membership = TestMembership(me: try TestNode(), addresses: [:], peers: peers)
        let reputation = try PeerReputation(store: Store.inMemory(), logger: .quiet)
        return ShardSuppliers(
            membership: membership, holders: ShardHolders(membership: membership, reputation: reputation), hub: hub,
            origin: { _ in Self.origin }, logger: .quiet)
    }

    @Test("what peers have does not wait for a hub that is away")
    func absentHub() async throws {
        try await withExchange { exchange in
            try await withAbsentHub(exchange) { hub in
                let shard = try exchange.shard(1)
                var held = Shoal_V1_HeldModel()
                held.modelID = exchange.identifier.rawValue
                held.manifestHash = Data(exchange.model.manifestHash.bytes)
                held.shards = [1]
                var record = NodeRecord()
                record.models = [held]
                let ids = [try TestNode().id, try TestNode().id]
                let peers = zip(ids, ["10.0.0.1", "93.184.216.34"]).map { id, host in
                    Peer(
                        id: id, record: record, host: host, minimumRoundTrip: .milliseconds(1), connectedSince: Date(),
                        healthy: true)
                }
                let offer = try await suppliers(peers, hub: hub).offer(shard, of: exchange.model)
                #expect(offer.groups.map { $0.map(\.name) } == [[.peer(ids[0])], [.peer(ids[1]), .hub]])
                #expect(offer.expectedHash == exchange.model.manifest[shard: shard]?.hash)
            }
        }
    }

    @Test("the absence of a hub is told once it is asked")
    func asked() async throws {
        try await withExchange { exchange in
            try await withAbsentHub(exchange) { hub in
                let shard = try exchange.shard(1)
                let offer = try await suppliers([], hub: hub).offer(shard, of: exchange.model)
                #expect(offer.groups.map { $0.map(\.name) } == [[.hub]])
                let ranges = try exchange.ranges(1)
                let error = await #expect(throws: AcquisitionError.self) {
                    try await offer.groups[0][0].send(ranges, of: shard, model: exchange.model) { _, _, _ in
                        Issue.record("bytes came from nowhere")
                    }
                }
                #expect(error?.code == .supplierFailed)
                #expect(error?.isFinal == false)
            }
        }
    }
}
