import Acquisition
import BLAKE3
import Bytes
import Exchange
import Foundation
import GGUF
import Hub
import Identifiers
import Link
import ModelLibrary
import ShoalTestSupport
import StandIn
import Store
import Swarm
import Synchronization
import Testing

@Suite("Who is asked for a shard", .timeLimit(.minutes(2)))
struct SupplierTests {
    private static let origin = ModelOrigin(repository: "owner/tiny-GGUF", file: "tiny.gguf")

    private func withHub(
        _ exchange: ExchangeFixture, at endpoint: String, _ limits: HubModels.Limits = .init(),
        _ body: (HubModels) async throws -> Void
    ) async throws {
        var configuration = HubConfiguration()
        configuration.endpoint = try HubEndpoint(endpoint)
        configuration.maximumAttempts = 1
        let client = try HubClient(configuration: configuration, logger: .quiet)
        let models = HubModels(
            client: client, library: exchange.asker, shardSizeBytes: ExchangeFixture.shardSizeBytes, limits: limits)
        do {
            try await body(models)
        } catch {
            await client.shutdown()
            throw error
        }
        await client.shutdown()
    }

    /// A hub that nobody listens for.
    private func withAbsentHub(
        _ exchange: ExchangeFixture, _ limits: HubModels.Limits = .init(), _ body: (HubModels) async throws -> Void
    ) async throws {
        try await withHub(exchange, at: "http://127.0.0.1:9", limits, body)
    }

    /// A near peer and a far one that hold shard 1.
    private func peers(_ exchange: ExchangeFixture) throws -> [Peer] {
        var held = HeldModel(exchange.identifier)
        held.manifestHash = exchange.model.manifestHash
        held.shards = [try exchange.shard(1)]
        var record = NodeRecord()
        record.models = [held]
        return try ["10.0.0.1", "93.184.216.34"].map { host in
            Peer(
                id: try TestNode().id, record: record, host: host, minimumRoundTrip: .milliseconds(1),
                connectedSince: Date(), healthy: true)
        }
    }

    private func names(_ suppliers: ShardSuppliers, _ exchange: ExchangeFixture) async throws -> [[SupplierName]] {
        try await suppliers.offer(exchange.shard(1), of: exchange.model).groups.map { $0.map(\.name) }
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
                let peers = try peers(exchange)
                let suppliers = try suppliers(peers, hub: hub)
                let offer = try await suppliers.offer(shard, of: exchange.model)
                // It has not answered yet, and then has failed.
                let alone: [[SupplierName]] = peers.map { [.peer($0.id)] }
                #expect(offer.groups.map { $0.map(\.name) } == alone + [[.hub]])
                try await eventually { try await names(suppliers, exchange) == alone }
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

    @Test("a hub that failed is asked again after a while")
    func failureIsForgotten() async throws {
        try await withExchange { exchange in
            var limits = HubModels.Limits()
            limits.failurePause = .zero
            try await withAbsentHub(exchange, limits) { hub in
                let peers = try peers(exchange)
                let suppliers = try suppliers(peers, hub: hub)
                for _ in 0..<2 {
                    let offer = try await suppliers.offer(exchange.shard(1), of: exchange.model)
                    #expect(offer.groups.map { $0.map(\.name) } == peers.map { [.peer($0.id)] } + [[.hub]])
                    let (supplier, ranges) = (try #require(offer.groups.last?.last), try exchange.ranges(1))
                    await #expect(throws: AcquisitionError.self) {
                        try await supplier.send(ranges, of: exchange.shard(1), model: exchange.model) { _, _, _ in }
                    }
                }
            }
        }
    }

    @Test("a hub that says where the model is sends beside far peers, until it fails")
    func presentHub() async throws {
        try await withExchange { exchange in
            try await withStandInHub(files: ["owner/tiny-GGUF/tiny.gguf": exchange.bytes]) { stand in
                try await withHub(exchange, at: stand.url) { hub in
                    let peers = try peers(exchange)
                    let suppliers = try suppliers(peers, hub: hub)
                    let beside: [[SupplierName]] = [[.peer(peers[0].id)], [.peer(peers[1].id), .hub]]
                    try await eventually { try await names(suppliers, exchange) == beside }
                    try await stand.fault(#"{"kind": "status", "status": 503}"#)
                    let alone = try await self.suppliers([], hub: hub).offer(exchange.shard(1), of: exchange.model)
                    let supplier = try #require(alone.groups.last?.last)
                    let ranges = try exchange.ranges(1)
                    await #expect(throws: AcquisitionError.self) {
                        try await supplier.send(ranges, of: exchange.shard(1), model: exchange.model) { _, _, _ in }
                    }
                    #expect(try await names(suppliers, exchange) == peers.map { [.peer($0.id)] })
                    #expect(try await names(self.suppliers([], hub: hub), exchange) == [[.hub]])
                }
            }
        }
    }

    @Test("the headers of all parts together are read up to a limit", arguments: [0, 1])
    func headerLimit(missing: UInt64) async throws {
        try await withExchange { exchange in
            let paths = try TinyModel(layerCount: 2, wide: 64).writer().write(
                parts: 2, prefix: "\(exchange.root)/parted")
            var files: [String: [UInt8]] = [:]
            var limits = HubModels.Limits()
            limits.headerBytes = 0
            for path in paths {
                let bytes = try Array(Data(contentsOf: URL(fileURLWithPath: path)))
                files["owner/tiny-GGUF/\(URL(fileURLWithPath: path).lastPathComponent)"] = bytes
                limits.headerBytes += try GGUFHeader(reading: MemorySource(bytes)).dataOffset
            }
            limits.headerBytes -= missing
            try await withStandInHub(files: files) { stand in
                try await withHub(exchange, at: stand.url, limits) { hub in
                    let name = URL(fileURLWithPath: paths[0]).lastPathComponent
                    let origin = ModelOrigin(repository: "owner/tiny-GGUF", file: name)
                    if missing == 0 {
                        let headerBytes = try await hub.describe(origin).headerBytes
                        #expect(headerBytes == limits.headerBytes)
                    } else {
                        let error = await #expect(throws: HubError.self) { _ = try await hub.describe(origin) }
                        #expect(error?.code == .tooLarge)
                    }
                }
            }
        }
    }

    @Test("a model of too many parts is not asked for at all")
    func tooManyParts() async throws {
        try await withExchange { exchange in
            try await withStandInHub(files: [:]) { stand in
                try await withHub(exchange, at: stand.url) { hub in
                    let origin = ModelOrigin(repository: "owner/tiny-GGUF", file: "tiny-00001-of-01025.gguf")
                    let error = await #expect(throws: HubError.self) { _ = try await hub.describe(origin) }
                    #expect(error?.code == .tooLarge)
                    let requests = try await stand.requests()
                    #expect(requests.isEmpty)
                }
            }
        }
    }
}
