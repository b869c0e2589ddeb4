import GGUF
import Generation
import Identifiers
import Inference
import Link
import ModelLibrary
import Swarm
import SwiftProtobuf
import Synchronization
import Testing

@Suite struct InferenceHooksTests {
    @Test func `every request is told of, also one for a model that nobody has`() async throws {
        let asked = RequestList()
        var hooks = InferenceHooks()
        hooks.requested = { asked.add($0) }
        try await TestNode.run(wants: { $0.first == 0 }, hooks: hooks) { node in
            await #expect(throws: InferenceError.self) {
                _ = try await node.inference.generate(GenerationRequest(model: "nobody's", prompt: .text("x")))
            }
            await #expect(throws: InferenceError.self) {
                _ = try await node.inference.embed(EmbeddingRequest(model: "shoal-demo", inputs: [.text("x")]))
            }
        }
        #expect(asked.names == ["nobody's", "shoal-demo"])
    }

    @Test func `the swarm is told where a model is from, and which shards are on their way`() async throws {
        var hooks = InferenceHooks()
        hooks.notes = { _ in
            InferenceHooks.Notes(
                downloading: Set([0, 1].compactMap { ShardIndex($0) }),
                hubSource: HubSource(repository: "owner/name", file: "model.gguf"))
        }
        try await TestNode.run(wants: { $0.first == 0 }, hooks: hooks) { node in
            await node.inference.republish()
            let told = try #require(node.swarm.ownRecord.models.first)
            #expect(told.hubSource?.repository == "owner/name")
            #expect(told.shards.map(\.rawValue) == [0])
            // What is here is not on its way.
            #expect(told.downloading.map(\.rawValue) == [1])
            try await node.library.removeShard(id: told.id, shard: #require(ShardIndex(0)))
            await node.inference.republish()
            #expect(node.swarm.ownRecord.models.first?.shards.isEmpty == true)
            #expect(node.swarm.ownRecord.models.first?.downloading.map(\.rawValue).sorted() == [0, 1])
        }
    }
}

private final class RequestList: Sendable {
    private let list = Mutex<[String]>([])
    var names: [String] { list.withLock { $0 } }
    func add(_ name: String) { list.withLock { $0.append(name) } }
}
