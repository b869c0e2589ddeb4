import Foundation
import Generation
import Testing

@testable import Engine

@Suite("Grammars of sessions")
struct SessionGrammarTests {
    private let vocabulary: Vocabulary

    init() throws {
        vocabulary = try Vocabulary(path: DemoModel.path)
    }

    private func tokens(_ text: String) throws -> [Int32] {
        try vocabulary.tokens(of: text, addSpecial: false, parseSpecial: true)
    }

    private func start(_ triggers: [String], prefix: [Int32] = []) -> GrammarStart {
        var start = GrammarStart()
        start.triggers = triggers
        start.prefix = prefix
        return start
    }

    private func text(_ tokens: [Int32]) -> String {
        String(decoding: tokens.flatMap { vocabulary.bytes(of: $0, special: true) }, as: UTF8.self)
    }

    /// Samples until nothing can come any more, or so many tokens have come. The wanted tokens have the best chances, in turn.
    private func answer(
        _ grammar: String, start: GrammarStart = GrammarStart(), wanting: [Int32] = [], temperature: Float = 0,
        produced: [Int32] = [], count: Int = 40
    ) throws -> [Int32] {
        var parameters = SamplerOptions()
        parameters.sampling.temperature = temperature
        parameters.sampling.seed = 3
        parameters.grammar = grammar
        parameters.grammarStart = start
        let sampler = try TokenSampler(parameters, vocabulary: vocabulary, contextLength: 512)
        try sampler.begin(prompt: [1] + produced, producedCount: produced.count)
        var result: [Int32] = []
        while result.count < count {
            let position = produced.count + result.count
            var logits = (0..<vocabulary.tokenCount).map { token in
                Float((UInt32(truncatingIfNeeded: token) &* 2_654_435_761 &+ UInt32(position) &* 40_503) >> 16 & 0xFFF)
                    / 1024
            }
            if position < wanting.count { logits[Int(wanting[position])] = 50 }
            let sampled = try logits.withUnsafeMutableBufferPointer { try sampler.sample($0.baseAddress!) }
            guard let sampled, !vocabulary.isEndOfGeneration(sampled.token) else { break }
            result.append(sampled.token)
        }
        return result
    }

    @Test(
        "What libllama throws, aborts on or cannot follow ends the session and nothing else",
        arguments: [
            "root ::= \"\\x00\"", "root ::= (", "root ::= \"a\"{2,1}", "root ::= root", "root ::= a", "", " ",
            "a ::= \"b\"",
            "root ::= <[99999999999999999999]>", "root ::= <no such token>", "root ::= \"\\u\"", "root ::= [z-a]",
            "root ::= \"a\"{1,2001} \"b\"{2000} \"c\"{3000}", "root ::= \"a\" | \u{0}", "root ::= \"\\xFF\\xFE\"[",
            "root ::= " + String(repeating: "(", count: 1999) + "\"\\x00\"" + String(repeating: ")", count: 1999),
            (0..<50_000).map { "r\($0) ::= r\($0 + 1)" }.joined(separator: "\n") + "\nroot ::= r0",
        ])
    func hostile(grammar: String) throws {
        guard !grammar.isEmpty else { return }
        let error = #expect(throws: EngineError.self) { _ = try answer(grammar) }
        #expect(error?.code == .badGrammar)
    }

    @Test("A token that breaks the grammar is an error of the session, not an abort of the process")
    func brokenByForce() throws {
        let grammar = try SessionGrammar("root ::= \"abc\"", start: GrammarStart(), vocabulary: vocabulary)
        let stranger = try #require(try tokens("xyz").first)
        #expect(try !grammar.allows(stranger))
        #expect(throws: EngineError.self) { try grammar.accept(stranger) }
        // libllama asserts that something is left to follow.
        #expect(throws: EngineError.self) { _ = try grammar.allows(stranger) }
    }

    @Test("An answer is what the grammar describes, and ends where that ends", arguments: [0, 0.8] as [Float])
    func complete(temperature: Float) throws {
        #expect(
            text(try answer("root ::= \"shoal\" [0-9]{3}", temperature: temperature)).wholeMatch(of: /shoal[0-9]{3}/)
                != nil)
    }

    @Test("A complete answer ends also where the model's end is forbidden")
    func completeWithoutEnd() throws {
        var parameters = SamplerOptions()
        parameters.sampling.temperature = 0
        parameters.grammar = "root ::= \"a\""
        parameters.minimumTokens = 10
        let sampler = try TokenSampler(parameters, vocabulary: vocabulary, contextLength: 64)
        try sampler.begin(prompt: [1], producedCount: 0)
        var logits = [Float](repeating: 0, count: vocabulary.tokenCount)
        let first = try logits.withUnsafeMutableBufferPointer { try sampler.sample($0.baseAddress!) }
        #expect(first.map { text([$0.token]) } == "a")
        logits = [Float](repeating: 0, count: vocabulary.tokenCount)
        #expect(try logits.withUnsafeMutableBufferPointer { try sampler.sample($0.baseAddress!) } == nil)
    }

    @Test("Nothing is held before the trigger, and everything from its first byte on", arguments: [0, 0.8] as [Float])
    func lazily(temperature: Float) throws {
        let wanted = try tokens("Let me see, I call it: CALL{")
        let result = text(
            try answer(
                "root ::= \"CALL{\" [0-9]{4} \"}\"", start: start(["CALL"]), wanting: wanted, temperature: temperature))
        #expect(result.wholeMatch(of: /Let me see, I call it: CALL\{[0-9]{4}\}/) != nil, "\(result)")
    }

    @Test("A trigger inside of reasoning is none")
    func reasoning() throws {
        var start = start(["CALL"])
        start.reasoningEnds = ["done."]
        start.startsInReasoning = true
        let wanted = try tokens("I may CALL or not, done. CALL")
        let result = text(try answer("root ::= \"CALL\" [0-9]{4}", start: start, wanting: wanted))
        #expect(result.wholeMatch(of: /I may CALL or not, done. CALL[0-9]{4}/) != nil, "\(result)")
    }

    @Test("A grammar begins with the prompt's end, and refuses one that does not fit")
    func prefix() throws {
        let begun = try tokens("{\"a\":")
        let result = text(try answer("root ::= \"{\\\"a\\\":\" [0-9]{3} \"}\"", start: start([], prefix: begun)))
        #expect(result.wholeMatch(of: /[0-9]{3}\}/) != nil, "\(result)")
        let error = #expect(throws: EngineError.self) {
            _ = try answer("root ::= \"{}\"", start: start([], prefix: begun))
        }
        #expect(error?.code == .badGrammar)
    }

    @Test("A token that completes the trigger and breaks the grammar is not taken")
    func trailing() throws {
        // The best token has more than the grammar allows after its trigger.
        let candidates = (0..<Int32(vocabulary.tokenCount)).filter { token in
            let bytes = vocabulary.bytes(of: token, special: true)
            return bytes.count > 2 && bytes.first == UInt8(ascii: "t") && !vocabulary.isSpecial(token)
        }
        let token = try #require(candidates.first)
        let result = try answer("root ::= \"t\" [0-9]{2}", start: start(["t"]), wanting: [token], count: 60)
        #expect(result.first != token)
        // Without the trigger in what comes next, the grammar may not have begun at all; where it has, it holds.
        if let begin = text(result).firstIndex(of: "t") {
            #expect(text(result)[begin...].wholeMatch(of: /t[0-9]{2}/) != nil, "\(text(result))")
        }
    }

    @Test(
        "A session that goes on after a failure decides as it would have", arguments: [0, 0.8] as [Float], [3, 12, 15])
    func replayed(temperature: Float, after: Int) throws {
        let wanted = try tokens("Let me see, I call it: CALL{")
        let grammar = "root ::= \"CALL{\" [0-9]{12} \"}\""
        let whole = try answer(grammar, start: start(["CALL"]), wanting: wanted, temperature: temperature)
        let after = min(after, whole.count - 2)
        let rest = try answer(
            grammar, start: start(["CALL"]), wanting: wanted, temperature: temperature,
            produced: Array(whole.prefix(after)))
        #expect(whole.prefix(after) + rest == whole)
    }

    @Test("Beside a session whose grammar cannot be followed, others go on")
    func alone() async throws {
        try await WindowChain.with(path: DemoModel.path) { chain in
            let expected = try await chain.run("Shoal is", maximumTokens: 24)
            try await withThrowingTaskGroup(of: Bool.self) { group in
                for _ in 0..<4 {
                    group.addTask {
                        let error = await #expect(throws: EngineError.self) {
                            _ = try await chain.run("Shoal is", sampling: { $0.grammar = "root ::= \"\\x00\"" })
                        }
                        return error?.code == .badGrammar
                    }
                    group.addTask { try await chain.run("Shoal is", maximumTokens: 24).tokens == expected.tokens }
                }
                for try await isRight in group { #expect(isRight) }
            }
        }
    }
}
