import Exchange
import Foundation
import Link
import ModelLibrary
import Testing

@Suite struct CopyConfirmationTests {
    @Test func `a node that holds the same bytes promises to keep them, over a real link`() async throws {
        try await withExchange { exchange in
            let promises = ShardPromises()
            let server = ShardServer(library: exchange.holder, promises: promises, logger: .quiet)
            let holder = try TestNode()
            try await holder.serve(server) { membership in
                // The asker holds the model too: it is about to give up its own copy.
                let confirmation = CopyConfirmation(library: exchange.holder, membership: membership)
                #expect(try await confirmation.ask(holder.id, exchange.identifier, exchange.shard(1)))
                try await exchange.holder.removeShard(id: exchange.identifier, shard: exchange.shard(2))
                #expect(try await !confirmation.ask(holder.id, exchange.identifier, exchange.shard(2)))
                let stranger = try TestNode().id
                await #expect(throws: LinkError.self) {
                    try await confirmation.ask(stranger, exchange.identifier, exchange.shard(1))
                }
            }
        }
    }

    @Test func `who knows the header alone confirms nothing`() async throws {
        try await withExchange { exchange in
            let holder = try TestNode()
            try await holder.serve(ShardServer(library: exchange.asker, logger: .quiet)) { membership in
                let confirmation = CopyConfirmation(library: exchange.holder, membership: membership)
                let isKept = try await confirmation.ask(holder.id, exchange.identifier, exchange.shard(1))
                #expect(!isKept)
            }
        }
    }
}
