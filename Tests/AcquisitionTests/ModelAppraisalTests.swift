import Acquisition
import Testing

@Suite struct ModelAppraisalTests {
    static let gigabyte: UInt64 = 1 << 30

    private func appraisal(
        gigabytes: UInt64, replicas: Int = 0, requests: Int = 0, nodes: Int = 4, memory: UInt64 = 8,
        downloads: Int = 1000
    ) -> ModelAppraisal {
        ModelAppraisal(
            sizeBytes: gigabytes * Self.gigabyte, downloads: downloads, likes: 10, replicas: replicas,
            requests: requests,
            means: .init(
                memoryBytes: memory * Self.gigabyte, swarmMemoryBytes: UInt64(nodes) * memory * Self.gigabyte,
                nodeCount: nodes, shardSizeBytes: 512 << 20, minimumReplicas: 2))
    }

    @Test("what fits is told for the whole, for first and last shard, and for one shard")
    func fit() {
        let small = appraisal(gigabytes: 4)
        #expect(small.fitsMemory && small.fitsEncrypted && small.fitsShard)
        #expect(small.shardBytes == 512 << 20 && small.encryptedBytes == 1 << 30)
        let large = appraisal(gigabytes: 20)
        #expect(!large.fitsMemory && large.fitsEncrypted && large.fitsShard)
        #expect(large.score.fit < small.score.fit)
        let none = appraisal(gigabytes: 20, memory: 0)
        #expect(!none.fitsShard && none.score.fit == 0)
    }

    @Test(
        "what the swarm needs follows from memory, holders and demand",
        arguments: [
            (4, 0, 0, 4, ModelAppraisal.Standing.beFirst), (4, 1, 0, 4, .needsMore), (4, 2, 0, 4, .serveable),
            (4, 4, 0, 4, .wellReplicated), (4, 2, 50, 4, .needsMore), (40, 0, 0, 4, .unreachable),
            (4, 0, 0, 1, .downloadable), (9, 0, 0, 1, .unreachable),
        ] as [(UInt64, Int, Int, Int, ModelAppraisal.Standing)])
    func standing(
        gigabytes: UInt64, replicas: Int, requests: Int, nodes: Int, standing: ModelAppraisal.Standing
    ) {
        #expect(
            appraisal(gigabytes: gigabytes, replicas: replicas, requests: requests, nodes: nodes).standing == standing)
    }

    @Test("scores stay between 0 and 100, whatever the numbers")
    func bounds() {
        for size in [0, 1, UInt64.max] {
            for count in [Int.min, 0, 1, .max] {
                let made = ModelAppraisal(
                    sizeBytes: size, downloads: count, likes: count, replicas: max(0, min(count, 1000)),
                    requests: max(0, min(count, 1 << 40)),
                    means: .init(
                        memoryBytes: size, swarmMemoryBytes: size, nodeCount: 3, shardSizeBytes: 0, minimumReplicas: 2))
                for part in [made.score.quality, made.score.fit, made.score.demand, made.score.size, made.score.total] {
                    #expect((0...100).contains(part))
                }
            }
        }
    }

    @Test("more people using it counts for a model")
    func quality() {
        #expect(
            appraisal(gigabytes: 4, downloads: 1_000_000).score.total
                > appraisal(gigabytes: 4, downloads: 10).score.total)
    }

    @Test(
        "tags and names tell what a model is made for",
        arguments: [
            (["text-generation", "conversational"], "owner/x-GGUF", [ModelTask.chat]),
            ([], "Qwen/Qwen2.5-Coder-7B-Instruct-GGUF", [.chat, .code]),
            (["image-text-to-text"], "owner/model", [.vision]),
            (["en", "fr", "de"], "owner/model", [.multilingual]), (["en"], "owner/model", []),
            ([], "deepseek-ai/DeepSeek-R1-GGUF", [.reasoning]), ([], "owner/bitcoin", []),
        ] as [([String], String, Set<ModelTask>)])
    func tasks(tags: [String], name: String, tasks: Set<ModelTask>) {
        #expect(ModelTask.of(tags: tags, name: name) == tasks)
    }
}
