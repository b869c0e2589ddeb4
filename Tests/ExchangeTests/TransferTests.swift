import Exchange
import Foundation
import GGUF
import GRPCCore
import Link
import ModelLibrary
import Swarm
import Synchronization
import Testing

@Suite("Shards between nodes", .timeLimit(.minutes(2)))
struct TransferTests {
    @Test("every shard arrives, is proven, and makes the same file")
    func whole() async throws {
        try await withExchange { exchange in
            let node = try TestNode()
            let server = ShardServer(library: exchange.holder, logger: .quiet)
            let (model, asker) = (exchange.model, exchange.asker)
            try await node.serve(server) { membership in
                let supplier = PeerSupplier(peer: node.id, membership: membership)
                for shard in model.manifest.shardIndices {
                    let arrival = try #require(try await asker.arrival(of: shard, id: model.id))
                    try await supplier.fill(arrival, model: model)
                    #expect(arrival.missing == [])
                    try await asker.finish(arrival, expecting: model.manifest[shard: shard]?.hash)
                }
            }
            let arrived = try await asker.model(model.id)
            #expect(arrived.isComplete)
            #expect(try Array(Data(contentsOf: URL(fileURLWithPath: arrived.paths[0]))) == exchange.bytes)
            #expect(server.inUse.isEmpty)
        }
    }

    @Test("ranges in many requests come once each, in order", arguments: [1, 7, 1024])
    func ranges(perRequest: Int) async throws {
        try await withExchange { exchange in
            let node = try TestNode()
            // Every other 1000 bytes, and single ones.
            let own = try exchange.ranges(1)
            let wanted = own.flatMap { range in
                stride(from: range.offset, to: range.end, by: 2000).map {
                    ByteRange(part: range.part, offset: $0, length: min(1000, range.end - $0))
                }
            }
            #expect(wanted.count > 20)
            let (model, shard) = (exchange.model, try exchange.shard(1))
            let came = try await node.serve(ShardServer(library: exchange.holder, logger: .quiet)) { membership in
                var limits = PeerSupplier.Limits()
                limits.rangesPerRequest = perRequest
                let came = Mutex<[(range: ByteRange, bytes: [UInt8])]>([])
                try await PeerSupplier(peer: node.id, membership: membership, limits: limits)
                    .send(wanted, of: shard, model: model) { bytes, part, offset in
                        let range = ByteRange(part: part, offset: offset, length: UInt64(bytes.count))
                        came.withLock { $0.append((range, Array(bytes))) }
                    }
                return came.withLock { $0 }
            }
            #expect(came.map(\.range) == wanted)
            #expect(came.allSatisfy { Array(exchange.bytes[Int($0.range.offset)..<Int($0.range.end)]) == $0.bytes })
        }
    }

    @Test("two holders send parts of one shard at once")
    func together() async throws {
        try await withExchange { exchange in
            let nodes = [try TestNode(), try TestNode()]
            let server = ShardServer(library: exchange.holder, logger: .quiet)
            let (model, asker, shard) = (exchange.model, exchange.asker, try exchange.shard(2))
            let arrival = try #require(try await asker.arrival(of: shard, id: model.id))
            let halves = arrival.missing.flatMap { range in
                let half = range.length / 2
                return [
                    [ByteRange(part: range.part, offset: range.offset, length: half)],
                    [ByteRange(part: range.part, offset: range.offset + half, length: range.length - half)],
                ]
            }
            try await nodes[0].serve(server) { first in
                try await nodes[1].serve(server) { second in
                    try await withThrowingTaskGroup(of: Void.self) { group in
                        for (number, half) in halves.enumerated() {
                            let (node, membership) = (nodes[number % 2], [first, second][number % 2])
                            group.addTask {
                                try await PeerSupplier(peer: node.id, membership: membership)
                                    .send(half, of: shard, model: model) { try arrival.write($0, part: $1, at: $2) }
                            }
                        }
                        try await group.waitForAll()
                    }
                }
            }
            try await asker.finish(arrival)
            #expect(try await asker.verify(id: model.id) == [])
        }
    }
}
