import BLAKE3
import Exchange
import Foundation
import GRPCCore
import Identifiers
import Link
import ModelLibrary
import Store
import Swarm
import SwiftProtobuf
import Testing

/// Says of every shard what it is told to say.
private struct Teller: ShardRequestHandler {
    enum Answer: Sendable, Hashable {
        case hash(UInt8)
        case notHeld, garbage, error, silence
    }

    let answer: Answer

    func describeShard(_ request: Shoal_V1_DescribeShardRequest, from peer: NodeID) async throws
        -> Shoal_V1_ShardDescription
    {
        switch answer {
        case .hash(let byte):
            return .with {
                $0.held = true
                $0.hash = Data(repeating: byte, count: 32)
            }
        case .notHeld: return .with { $0.hash = Data(repeating: 1, count: 32) }
        case .garbage:
            return .with {
                $0.held = true
                $0.hash = Data(repeating: 1, count: 31)
            }
        case .error: throw RPCError(code: .internalError, message: "no")
        case .silence:
            try await Task.sleep(for: .seconds(60))
            return Shoal_V1_ShardDescription()
        }
    }

    func fetchShard(
        _ request: Shoal_V1_FetchShardRequest, from peer: NodeID, response: RPCWriter<ShardChunk>
    ) async throws {
        throw RPCError(code: .unimplemented, message: "not here")
    }
}

@Suite("Who holds a shard", .timeLimit(.minutes(2)))
struct HolderTests {
    private let shard = ShardID(model: ModelID("tiny")!, index: ShardIndex(1)!)
    private let hash = BLAKE3.hash([1, 2, 3])

    private func peer(
        _ id: NodeID, host: String = "10.0.0.1", milliseconds: Double = 1, isHealthy: Bool = true,
        model: ModelID? = nil, change: (inout HeldModel) -> Void = { _ in }
    ) -> Peer {
        var held = HeldModel(model ?? shard.model)
        held.manifestHash = hash
        held.shards = [ShardIndex(0)!, ShardIndex(1)!]
        change(&held)
        var record = NodeRecord()
        record.models = [held]
        return Peer(
            id: id, record: record, host: host, minimumRoundTrip: .seconds(milliseconds / 1000),
            connectedSince: Date(), healthy: isHealthy)
    }

    private func id(_ number: UInt8) throws -> NodeID {
        try #require(NodeID(bytes: [UInt8](repeating: number, count: 32)))
    }

    private func holders(_ peers: [Peer], wrong: [NodeID] = []) async throws -> [NodeID] {
        let reputation = try PeerReputation(store: Store.inMemory(), logger: .quiet)
        for node in wrong {
            await reputation.noteWrong(ShardID(model: shard.model, index: try #require(ShardIndex(7))), from: node)
        }
        let membership = TestMembership(me: try TestNode(), addresses: [:], peers: peers)
        return ShardHolders(membership: membership, reputation: reputation).holders(of: shard, manifestHash: hash)
    }

    @Test("the same network comes first, then who is nearer, then who is trusted more")
    func order() async throws {
        let near = peer(try id(5), milliseconds: 8)
        let peers = [
            peer(try id(1), host: "93.184.216.34", milliseconds: 2), near, peer(try id(3), milliseconds: 1.1),
            peer(try id(4), milliseconds: 1.2), peer(try id(2), host: "93.184.216.35", milliseconds: 30),
        ]
        #expect(try await holders(peers) == [try id(3), try id(4), try id(5), try id(1), try id(2)])
        #expect(
            try await holders(peers, wrong: [try id(3)]) == [try id(4), try id(3), try id(5), try id(1), try id(2)])
    }

    @Test("who is away, silent, quarantined, or holds something else is left out")
    func leftOut() async throws {
        var away = peer(try id(1))
        away.connectedSince = nil
        let others = [
            away, peer(try id(2), isHealthy: false),
            peer(try id(3)) { $0.manifestHash = BLAKE3.hash([]) },
            peer(try id(4)) { $0.shards = [ShardIndex(0)!, ShardIndex(2)!] }, peer(try id(5), model: ModelID("other")),
            Peer(id: try id(6), connectedSince: Date(), healthy: true), peer(try id(7)),
        ]
        #expect(try await holders(others) == [try id(7)])
        #expect(try await holders(others, wrong: [try id(7), try id(7), try id(7)]) == [])
    }

    @Test(
        "the hash that most holders name is taken; with a tie or none nothing is",
        arguments: [
            ([.hash(1)], 1), ([.hash(1), .hash(2), .hash(1)], 1), ([.hash(2), .notHeld, .error, .garbage], 2),
            ([.hash(1), .silence, .hash(1), .hash(2)], 1), ([.hash(1), .hash(2)], nil), ([], nil),
            ([.notHeld, .garbage, .error], nil), ([.hash(1), .hash(1), .hash(2), .hash(2), .hash(3)], nil),
        ] as [([Teller.Answer], UInt8?)])
    fileprivate func describe(answers: [Teller.Answer], expected: UInt8?) async throws {
        try await ask(answers[...], others: []) { membership in
            let reputation = try PeerReputation(store: Store.inMemory(), logger: .quiet)
            let holders = ShardHolders(membership: membership, reputation: reputation)
            if let expected {
                let found = try await holders.describe(shard, manifestHash: hash)
                #expect(found.bytes == [UInt8](repeating: expected, count: 32))
            } else {
                let error = await #expect(throws: ExchangeError.self) {
                    try await holders.describe(shard, manifestHash: hash)
                }
                #expect(error?.code == .hashUnknown)
            }
        }
    }

    /// Serves one answer after the other, then asks all of them.
    private func ask(
        _ answers: ArraySlice<Teller.Answer>, others: [(NodeID, TestMembership)],
        _ body: @escaping @Sendable (TestMembership) async throws -> Void
    ) async throws {
        guard let answer = answers.first else {
            return try await body(TestMembership(joining: others.map(\.1), peers: others.map { peer($0.0) }))
        }
        let node = try TestNode()
        try await node.serve(Teller(answer: answer)) { membership in
            try await ask(answers.dropFirst(), others: others + [(node.id, membership)], body)
        }
    }
}
