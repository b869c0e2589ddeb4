import GGUF
import Generation
import Identifiers
import Inference
import JSON
import Link
import Swarm
import Synchronization
import Testing

/// Whole nodes in this process, with real engine processes and the demo model.
@Suite(.serialized) struct RealEngineTests {
    @Test func `one node answers a chat from its own windows`() async throws {
        try await TestNode.run { node in
            var request = TestNode.request("", tokens: 24)
            request.prompt = .chat(Chat([ChatMessage(.user, "What is Shoal?")]))
            let answer = try await node.events(request)
            #expect(answer.outline == ["started", "text", "finished"])
            #expect(!answer.text.isEmpty)
            #expect(answer.tokens.allSatisfy { ($0.logProbability ?? 1) <= 0 })
            // A repeated prompt finds itself in the cache.
            request.cachePrompt = true
            _ = try await node.events(request)
            let again = try await node.events(request)
            guard case .finished(let result)? = again.events.last else {
                Issue.record("no end")
                return
            }
            #expect(result.usage.cachedTokens > 0)
            let statistics = node.inference.statistics()
            #expect(statistics.requestsServed == 3 && statistics.activeRequests == 0)
            #expect(statistics.latency?.samples == 3)
        }
    }

    @Test func `two nodes give what one gives, to the last bit`() async throws {
        let prompt = "Question: What is a shard?\nAnswer:"
        let whole = try await TestNode.run { try await $0.events(TestNode.request(prompt, tokens: 20)) }
        let key = SwarmKey()
        let split = try await TestNode.run(key: key, nickname: "one", wants: { $0.first < 3 }) { one in
            try await TestNode.run(key: key, nickname: "two", wants: { $0.first >= 3 }) { two in
                try await two.join(one)
                return try await one.events(TestNode.request(prompt, tokens: 20))
            }
        }
        #expect(split.text == whole.text)
        #expect(split.tokens.map(\.logProbability) == whole.tokens.map(\.logProbability))
        guard case .started(let start)? = split.events.first else {
            Issue.record("no start")
            return
        }
        #expect(start.route.map(\.nickname) == ["one", "two"])
        #expect(start.route.map(\.isLocal) == [true, false])
    }

    @Test func `a node that holds nothing answers with the layers of others`() async throws {
        let key = SwarmKey()
        try await TestNode.run(key: key, nickname: "holder") { holder in
            try await TestNode.run(key: key, nickname: "client", wants: { _ in false }) { client in
                let changes = client.swarm.changes()
                try await client.swarm.join(code: holder.swarm.inviteCode())
                let isThere = { client.swarm.peers().contains { $0.record?.models.isEmpty == false } }
                if !isThere() { for await _ in changes where isThere() { break } }
                let answer = try await client.events(TestNode.request("A shoal is", tokens: 8))
                #expect(!answer.text.isEmpty)
                #expect(await client.inference.availableModels().map(\.isCovered) == [true])
                #expect(holder.inference.statistics().forwardsServed == 1)
            }
        }
    }

    @Test(arguments: [false, true])
    func `an engine of this node that is killed or frozen mid-answer is replaced within five seconds`(
        frozen: Bool
    ) async throws {
        try await TestNode.run { node in
            let request = TestNode.request("Shoal is", tokens: 200)
            let expected = try await node.events(request)
            // The demo model is fast: a blow may come after the last token, and then it is dealt again.
            for _ in 0..<20 {
                let (list, pause) = try await struck(node, request, frozen: frozen)
                #expect(list.text == expected.text)
                #expect(pause < .seconds(5), "the answer paused for \(pause)")
                if list.outline.contains("rerouted") { return }
            }
            Issue.record("every blow came too late")
        }
    }

    /// Runs a generation whose engine is struck after the fifth token; its events, and the longest pause from then on.
    private func struck(
        _ node: TestNode, _ request: GenerationRequest, frozen: Bool
    ) async throws -> (list: EventList, pause: Duration) {
        let list = EventList()
        var pause: Duration = .zero
        var last: ContinuousClock.Instant?
        for try await event in try await node.inference.generate(request) {
            list.add(event)
            if let before = last { pause = max(pause, before.duration(to: .now)) }
            if last == nil, list.tokens.count >= 5 { try await node.strike(frozen: frozen) }
            if list.tokens.count >= 5 { last = .now }
        }
        return (list, pause)
    }

    @Test func `shards are loaded and unloaded by hand`() async throws {
        try await TestNode.run { node in
            let all = try await node.inference.load(model: TestNode.model)
            #expect(all.count >= 2)
            let rest = try await node.inference.unloadShard(model: TestNode.model, shard: 0)
            #expect(rest == Array(all.dropFirst()))
            #expect(try await node.inference.loadShard(model: TestNode.model, shard: 0) == all)
            let unloading = try await node.inference.unload(model: TestNode.model)
            #expect(unloading.windowsRemoved == 1 && unloading.freedBytes > 0)
            #expect(await node.inference.loadedShards(model: TestNode.model).isEmpty)
            let error = await #expect(throws: InferenceError.self) {
                _ = try await node.inference.loadShard(model: TestNode.model, shard: 1000)
            }
            #expect(error?.code == .shardNotHeld)
        }
    }

    @Test func `embeddings have length one and tell texts apart`() async throws {
        try await TestNode.run { node in
            let vectors = try await node.inference.embed(
                EmbeddingRequest(
                    model: TestNode.model,
                    inputs: [.text("A node holds shards."), .text("What is the weather?"), .tokens([1, 2, 3])]))
            #expect(vectors.count == 3)
            for vector in vectors {
                #expect(abs(vector.vector.reduce(0) { $0 + $1 * $1 } - 1) < 1e-3)
            }
            #expect(vectors[0].vector != vectors[1].vector)
            #expect(vectors[2].tokenCount == 3)
        }
    }

    @Test func `tokens become the text that they came from`() async throws {
        try await TestNode.run(wants: { $0.first == 0 }) { node in
            let text = "Shards, windows and segments: 1 + 1 = 2."
            let tokens = try await node.inference.tokenize(model: TestNode.model, text: text)
            let bytes = try await node.inference.detokenize(model: TestNode.model, tokens: tokens)
            #expect(String(decoding: bytes.joined(), as: UTF8.self) == text)
        }
    }

    @Test func `a prompt that is longer than the context is refused with both numbers`() async throws {
        try await TestNode.run(configure: { $0.contextLength = 16 }) { node in
            let error = await #expect(throws: InferenceError.self) {
                _ = try await node.events(TestNode.request(String(repeating: "shoal ", count: 40)))
            }
            #expect(error?.code == .contextTooLong)
            #expect(error?.message.contains("16") == true)
        }
    }

    @Test func `eight sessions at once give what one gives`() async throws {
        try await TestNode.run { node in
            let prompts = (0..<8).map { "Question \($0): what is a window?\nAnswer:" }
            var alone: [String] = []
            for prompt in prompts { alone.append(try await node.events(TestNode.request(prompt, tokens: 16)).text) }
            let together = try await withThrowingTaskGroup(of: (Int, String).self) { group in
                for (index, prompt) in prompts.enumerated() {
                    group.addTask { (index, try await node.events(TestNode.request(prompt, tokens: 16)).text) }
                }
                var texts = [String](repeating: "", count: prompts.count)
                for try await (index, text) in group { texts[index] = text }
                return texts
            }
            #expect(together == alone)
        }
    }

    @Test func `windows make room for others when memory is short`() async throws {
        try await TestNode.run(configure: {
            $0.memoryBudgetBytes = 12 << 20; $0.cacheCells = 256
        }) { node in
            let model = try #require(await node.inference.availableModels().first)
            #expect(model.layerCount >= 6)
            _ = try await node.inference.load(model: TestNode.model, shards: [0])
            _ = try await node.events(TestNode.request("Shoal", tokens: 2))
            let loaded = await node.inference.availableModels().first?.loadedWindows.map(\.layers) ?? []
            #expect(loaded.contains { $0.first == 0 && $0.end == model.layerCount })
        }
    }
}

extension RealEngineTests {
    @Test func `JSON mode gives JSON that the schema accepts`() async throws {
        try await TestNode.run { node in
            var request = TestNode.request("Tell me about shoals as JSON: ", tokens: 120)
            request.responseFormat = .jsonSchema([
                "type": "object", "properties": ["count": ["type": "integer", "maximum": 9, "minimum": 0]],
                "required": ["count"], "additionalProperties": false,
            ])
            let text = try await node.events(request).text
            let value = try JSONValue(parsing: text)
            #expect(value["count"]?.integer != nil, "\(text)")
        }
    }

    @Test func `a grammar that cannot be read is the request's fault`() async throws {
        try await TestNode.run { node in
            var request = TestNode.request("Shoal", tokens: 4)
            request.responseFormat = .grammar("root ::= (")
            let error = await #expect(throws: InferenceError.self) { _ = try await node.events(request) }
            #expect(error?.code == .badRequest)
        }
    }

    @Test func `a request to an engine that froze while idle is answered by a new one`() async throws {
        try await TestNode.run { node in
            let request = TestNode.request("Shoal is", tokens: 8)
            let expected = try await node.events(request)
            try await node.strike(frozen: true)
            let begin = ContinuousClock.now
            #expect(try await node.events(request).text == expected.text)
            #expect(begin.duration(to: .now) < .seconds(8))
        }
    }

    @Test func `ending the iteration frees the session within a second`() async throws {
        try await TestNode.run { node in
            var request = TestNode.request("Shoal", tokens: 4000)
            request.ignoreEndOfGeneration = true
            for try await event in try await node.inference.generate(request) {
                if case .text = event { break }
            }
            let end = ContinuousClock.now.advanced(by: .seconds(1))
            while await node.inference.isInUse(model: TestNode.model), ContinuousClock.now < end {
                try await Task.sleep(for: .milliseconds(20))
            }
            #expect(await !node.inference.isInUse(model: TestNode.model))
            #expect(node.inference.statistics().activeRequests == 0)
        }
    }
}
