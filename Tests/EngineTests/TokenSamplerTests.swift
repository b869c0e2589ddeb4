import Foundation
import Generation
import Testing

@testable import Engine

@Suite("The sampler")
struct TokenSamplerTests {
    private let vocabulary: Vocabulary

    init() throws {
        vocabulary = try Vocabulary(path: DemoModel.path)
    }

    /// Samples `count` tokens from rows of logits that depend on the position alone.
    private func draw(
        _ parameters: SamplerOptions, prompt: [Int32], produced: Int = 0, count: Int
    ) throws -> [Int32] {
        let sampler = try TokenSampler(parameters, vocabulary: vocabulary, contextLength: 512)
        try sampler.begin(prompt: prompt, producedCount: produced)
        return try (0..<count).map { index in
            var logits = row(at: produced + index)
            return try #require(try logits.withUnsafeMutableBufferPointer { try sampler.sample($0.baseAddress!) }).token
        }
    }

    /// Logits between 0 and 4, without order.
    private func row(at position: Int) -> [Float] {
        (0..<vocabulary.tokenCount).map { token in
            Float((UInt32(truncatingIfNeeded: token) &* 2_654_435_761 &+ UInt32(position) &* 40_503) >> 16 & 0xFFF)
                / 1024
        }
    }

    private static let variants: [@Sendable (inout SamplerOptions) -> Void] = [
        { _ in },
        { $0.sampling.topK = 40 },
        { $0.sampling.topP = 0.9 },
        { $0.sampling.minP = 0.05 },
        { $0.sampling.typicalP = 0.7 },
        { $0.sampling.repeatPenalty = 1.3 },
        { $0.sampling.presencePenalty = 1 },
        { $0.sampling.frequencyPenalty = 1 },
        { $0.sampling.logitBias = [3: 5, 4: -100] },
    ]

    @Test("A seed repeats, another seed differs, and a session that goes on after a failure draws on", arguments: 0..<9)
    func seeds(variant: Int) throws {
        var parameters = SamplerOptions()
        parameters.sampling.seed = 7
        Self.variants[variant](&parameters)
        let prompt: [Int32] = [5, 6, 7, 8]
        let first = try draw(parameters, prompt: prompt, count: 24)
        #expect(try draw(parameters, prompt: prompt, count: 24) == first)
        let rest = try draw(parameters, prompt: prompt + first.prefix(9), produced: 9, count: 15)
        #expect(first.prefix(9) + rest == first)
        parameters.sampling.seed = 8
        #expect(try draw(parameters, prompt: prompt, count: 24) != first)
    }

    @Test("Temperature 0 takes the most likely token, and a bias moves it")
    func greedy() throws {
        var parameters = SamplerOptions()
        parameters.sampling.temperature = 0
        let logits = row(at: 0)
        let best = logits.indices.max { logits[$0] < logits[$1] }
        #expect(try draw(parameters, prompt: [1], count: 1) == [Int32(best ?? -1)])
        parameters.sampling.logitBias = [11: 100]
        #expect(try draw(parameters, prompt: [1], count: 1) == [11])
    }

    @Test("Log-probabilities sum to one and are ranked")
    func logProbabilities() throws {
        var logits = row(at: 3)
        let all = LogProbabilities(&logits, vocabularySize: logits.count, wanted: logits.count)
        let sum = all.top.reduce(0) { $0 + exp(Double($1.logProbability)) }
        #expect(abs(sum - 1) < 1e-3)
        #expect(zip(all.top, all.top.dropFirst()).allSatisfy { $0.logProbability >= $1.logProbability })
    }

    @Test(
        "Values out of range are refused by name",
        arguments: [
            ("temperature", { @Sendable in $0.sampling.temperature = -1 }), ("top_p", { $0.sampling.topP = 0 }),
            ("top_k", { $0.sampling.topK = -1 }),
            ("min_p", { $0.sampling.minP = 2 }), ("typical_p", { $0.sampling.typicalP = .nan }),
            ("repeat_penalty", { $0.sampling.repeatPenalty = 0 }),
            ("repeat_last_n", { $0.sampling.repeatLastN = -2 }),
            ("presence_penalty", { $0.sampling.presencePenalty = .infinity }),
            ("frequency_penalty", { $0.sampling.frequencyPenalty = .nan }),
            ("logit_bias", { $0.sampling.logitBias = [-1: 1] }),
        ] as [(String, @Sendable (inout SamplerOptions) -> Void)])
    func outOfRange(name: String, change: @Sendable (inout SamplerOptions) -> Void) throws {
        var parameters = SamplerOptions()
        change(&parameters)
        let error = try #require(
            throws: EngineError.self, performing: { try parameters.validate(vocabularySize: vocabulary.tokenCount) })
        #expect(error.message.contains(name))
    }
}
