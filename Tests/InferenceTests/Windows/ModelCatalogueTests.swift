import Identifiers
import Inference
import Link
import ModelLibrary
import Swarm
import Testing

struct ModelCatalogueTests {
    @Test func `one peer's word on what the bytes of shards should be is not taken over`() async throws {
        try await TestNode.run { holder in
            let id = try #require(ModelID(TestNode.model))
            #expect(try await holder.library.model(id).manifest.shards.allSatisfy { $0.hash != nil })
            try await TestNode.run(wants: { _ in false }) { other in
                let changes = other.swarm.changes()
                try await other.swarm.join(code: holder.swarm.inviteCode())
                let isOffered = {
                    other.swarm.peers().contains { $0.isConnected && $0.record?.models.isEmpty == false }
                }
                if !isOffered() { for await _ in changes where isOffered() { break } }
                try await other.inference.learn(model: id.rawValue)
                let learned = try await other.library.model(id)
                #expect(try await learned.manifestHash == holder.library.model(id).manifestHash)
                #expect(learned.manifest.shards.allSatisfy { $0.hash == nil })
            }
        }
    }
}
