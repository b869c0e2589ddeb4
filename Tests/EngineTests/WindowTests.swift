import Engine
import Foundation
import GGUF
import Identifiers
import Testing

@Suite("Windows of the demo model")
struct WindowTests {
    @Test("Two and three windows give exactly what one gives", arguments: [[3], [2, 4], [1, 2, 3]])
    func cutEqualsWhole(cuts: [Int]) async throws {
        let prompt = DemoModel.question("What is a shard?")
        let whole = try await WindowChain.with(path: DemoModel.path) { try await $0.run(prompt) }
        let cut = try await WindowChain.with(path: DemoModel.path, cuts: cuts) { try await $0.run(prompt) }
        #expect(!whole.tokens.isEmpty)
        #expect(cut.tokens == whole.tokens)
        #expect(cut.logProbabilities == whole.logProbabilities)
    }

    @Test("A prompt longer than a chunk is exact too, chunk by chunk", arguments: WeightLayout.allCases)
    func chunkedPrompt(layout: WeightLayout) async throws {
        var options = EngineModel.LoadOptions()
        options.chunkLength = 32
        options.layout = layout
        let prompt = DemoModel.question(String(repeating: "What is a node, and what is a shard? ", count: 8))
        let whole = try await WindowChain.with(path: DemoModel.path, options: options) { try await $0.run(prompt) }
        let cut = try await WindowChain.with(path: DemoModel.path, cuts: [3], options: options) {
            try await $0.run(prompt)
        }
        #expect(cut == WindowChain.Result(whole, summary: cut.summary))
    }

    @Test("Eight sessions at once give the tokens of one at a time", arguments: [[], [3]])
    func manySessions(cuts: [Int]) async throws {
        let questions = [
            "What is Shoal?", "What is a shard?", "What is a window?", "What is a node?", "Who are you?",
            "What is a segment?", "What is a session?", "How do I start?",
        ]
        try await WindowChain.with(path: DemoModel.path, cuts: cuts) { chain in
            var alone: [[Int32]] = []
            for question in questions { alone.append(try await chain.run(DemoModel.question(question)).tokens) }
            let together = try await withThrowingTaskGroup(of: (Int, [Int32]).self) { group in
                for (index, question) in questions.enumerated() {
                    group.addTask { (index, try await chain.run(DemoModel.question(question)).tokens) }
                }
                return try await group.reduce(into: [Int: [Int32]]()) { $0[$1.0] = $1.1 }
            }
            for (index, tokens) in alone.enumerated() { #expect(together[index] == tokens) }
        }
    }

    @Test("A session with adapters is refused, and leaves nothing")
    func adapters() async throws {
        let set = try #require(AdapterSet([.init(digest: [UInt8](repeating: 7, count: 32), scale: 1)]))
        try await WindowChain.with(path: DemoModel.path) { chain in
            let error = await #expect(throws: EngineError.self) {
                try await chain.run(prompt: [1, 2, 3], cachePrompt: true, adapters: set)
            }
            #expect(error?.code == .unsupported)
            let plain = try await chain.run(prompt: [1, 2, 3], cachePrompt: true)
            #expect(plain.reusedTokens == 0)
        }
    }

    @Test("A repeated prompt is reused but for its last token", arguments: [[], [3]])
    func prefixReuse(cuts: [Int]) async throws {
        try await WindowChain.with(path: DemoModel.path, cuts: cuts) { chain in
            let prompt = try chain.model.vocabulary.tokens(
                of: DemoModel.question("What is a shard?"), addSpecial: true, parseSpecial: true)
            let first = try await chain.run(prompt: prompt, cachePrompt: true)
            let second = try await chain.run(prompt: prompt, cachePrompt: true)
            #expect(first.reusedTokens == 0)
            #expect(second.reusedTokens == prompt.count - 1)
            #expect(second.tokens == first.tokens)
            let followUp = try await chain.run(prompt: prompt + first.tokens.dropLast() + prompt, cachePrompt: true)
            #expect(followUp.reusedTokens == prompt.count + first.tokens.count - 1)
        }
    }

    @Test("A prompt that begins like a kept one and is computed apart gives what it gives alone", arguments: [[], [3]])
    func reuseForPromptsComputedApart(cuts: [Int]) async throws {
        var options = EngineModel.LoadOptions()
        options.layout = .both
        try await WindowChain.with(path: DemoModel.path, cuts: cuts, options: options) { chain in
            let beginning = Array(
                try chain.model.vocabulary.tokens(
                    of: String(repeating: "A shard is a part of a model. ", count: 12), addSpecial: true,
                    parseSpecial: true))
            let ending = try chain.model.vocabulary.tokens(
                of: String(repeating: "A window is a run of layers. ", count: 12), addSpecial: false,
                parseSpecial: true)
            let alone = try await chain.run(prompt: beginning + ending)
            _ = try await chain.run(prompt: beginning, cachePrompt: true)
            let reusing = try await chain.run(prompt: beginning + ending, cachePrompt: true)
            #expect(reusing.reusedTokens >= beginning.count)
            #expect(reusing.tokens == alone.tokens)
        }
    }

    @Test("A session that goes on after a failure gives the same tokens")
    func continuation() async throws {
        try await WindowChain.with(path: DemoModel.path) { chain in
            let prompt = try chain.model.vocabulary.tokens(
                of: DemoModel.question("What is Shoal?"), addSpecial: true, parseSpecial: true)
            let whole = try await chain.run(prompt: prompt, maximumTokens: 12)
            let produced = Array(whole.tokens.prefix(5))
            let rest = try await chain.run(prompt: prompt + produced, maximumTokens: 7, producedTokens: 5)
            #expect(produced + rest.tokens == whole.tokens)
        }
    }

    @Test("A grammar leaves only what it allows")
    func grammar() async throws {
        let result = try await WindowChain.with(path: DemoModel.path) { chain in
            try await chain.run(DemoModel.question("Is Shoal written in Swift?")) {
                $0.grammar = #"root ::= "yes" | "no""#
            }
        }
        #expect(["yes", "no"].contains(String(decoding: result.text, as: UTF8.self)))
    }

    @Test("A grammar that does not parse is refused")
    func badGrammar() async throws {
        await #expect(throws: EngineError.self) {
            try await WindowChain.with(path: DemoModel.path) { chain in
                try await chain.run(DemoModel.question("Hello")) { $0.grammar = "root ::= (" }
            }
        }
    }

    @Test("Log-probabilities of a prompt come for every token but the first, and sum up the same when cut")
    func promptLogProbabilities() async throws {
        let text = "Shoal runs one model on several machines."
        func run(_ cuts: [Int]) async throws -> WindowChain.Result {
            try await WindowChain.with(path: DemoModel.path, cuts: cuts) { chain in
                try await chain.run(text, maximumTokens: 0, promptLogProbabilities: true)
            }
        }
        let whole = try await run([])
        #expect(whole.promptLogProbabilities.first == .some(nil))
        #expect(whole.promptLogProbabilities.count == whole.summary?.promptTokens)
        #expect(whole.promptLogProbabilities.dropFirst().allSatisfy { ($0 ?? 1) <= 0 })
        #expect(try await run([3]).promptLogProbabilities == whole.promptLogProbabilities)
    }

    @Test("Closing a session in the middle frees its place at once")
    func cancellation() async throws {
        var options = EngineModel.LoadOptions()
        options.maximumSequences = 1
        try await WindowChain.with(path: DemoModel.path, options: options) { chain in
            let window = chain.windows[0]
            let (closed, signal) = AsyncStream.makeStream(of: Void.self)
            let session = Task {
                try await chain.run(
                    DemoModel.question("What is Shoal?"), maximumTokens: 400,
                    sampling: { $0.ignoresEndOfGeneration = true },
                    onToken: {
                        window.close($0)
                        signal.yield()
                    })
            }
            for await _ in closed { break }
            session.cancel()
            _ = try? await session.value
            let next = try await chain.run(DemoModel.question("What is Shoal?"), maximumTokens: 2)
            #expect(next.tokens.count == 2)
        }
    }

    @Test("A prompt that does not fit is refused with both numbers")
    func promptTooLong() async throws {
        var options = EngineModel.LoadOptions()
        options.contextLength = 256
        try await WindowChain.with(path: DemoModel.path, options: options) { chain in
            let error = await #expect(throws: EngineError.self) {
                try await chain.run(prompt: Array(repeating: 5, count: 300))
            }
            #expect(error?.code == .contextFull)
            #expect(error?.message.contains("300") == true)
        }
    }

    @Test("Sessions that outgrow the cache end, and the others go on")
    func cacheFull() async throws {
        var options = EngineModel.LoadOptions()
        options.contextLength = 256
        try await WindowChain.with(path: DemoModel.path, options: options) { chain in
            let prompt = DemoModel.question("What is Shoal?")
            let reasons = await withTaskGroup(of: String.self) { group in
                for _ in 0..<4 {
                    group.addTask {
                        do {
                            let result = try await chain.run(prompt, maximumTokens: 400) {
                                $0.ignoresEndOfGeneration = true
                            }
                            return result.summary?.reason == .contextFull ? "full" : "other"
                        } catch {
                            return (error as? EngineError)?.code == .contextFull ? "refused" : "\(error)"
                        }
                    }
                }
                return await group.reduce(into: []) { $0.append($1) }
            }
            #expect(reasons.contains("full"))
            #expect(reasons.allSatisfy { $0 == "full" || $0 == "refused" })
        }
    }

    @Test("Embeddings are unit-free vectors of the model's width, equal for equal inputs")
    func embeddings() async throws {
        try await WindowChain.with(path: DemoModel.path) { chain in
            let tokens = try chain.model.vocabulary.tokens(of: "a shard", addSpecial: true, parseSpecial: false)
            let vectors = try await chain.windows[0].embed([tokens, tokens, tokens + tokens])
            #expect(vectors.count == 3)
            #expect(vectors[0].count == chain.model.files.embeddingLength)
            #expect(vectors[0] == vectors[1])
            #expect(vectors[0] != vectors[2])
        }
    }
}

extension WindowChain.Result {
    fileprivate init(_ other: Self, summary: SessionSummary?) {
        self = other
        self.summary = summary
    }
}
