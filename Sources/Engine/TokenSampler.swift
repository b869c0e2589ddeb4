internal import CEngine

/// A token that was chosen, with the log-probabilities that were asked for.
package struct SampledToken: Sendable, Equatable {
    package let token: Int32
    /// Natural logarithm of the token's probability before any sampling option; `nil` when not asked for.
    package let logProbability: Float?
    package let top: [RankedToken]
}

/// One of the most likely tokens.
package struct RankedToken: Sendable, Equatable {
    package let token: Int32
    package let logProbability: Float
}

/// Chooses a session's tokens, one after the other.
///
/// Confined to the thread that computes the session's window.
final class TokenSampler {
    private let parameters: SamplingParameters
    private let vocabularySize: Int
    private let endOfGenerationTokens: [Int32]
    private let chain: UnsafeMutablePointer<llama_sampler>
    private let grammar: UnsafeMutablePointer<llama_sampler>?
    private var candidates: [llama_token_data] = []
    private var producedCount = 0
    private let contextLength: Int

    init(_ parameters: SamplingParameters, vocabulary: Vocabulary, contextLength: Int) throws {
        try parameters.validate(vocabularySize: vocabulary.tokenCount)
        self.parameters = parameters
        self.contextLength = contextLength
        vocabularySize = vocabulary.tokenCount
        endOfGenerationTokens = vocabulary.endOfGenerationTokens
        if parameters.grammar.isEmpty {
            grammar = nil
        } else {
            let made = vocabulary.withPointer { llama_sampler_init_grammar($0, parameters.grammar, "root") }
            guard let made else {
                throw EngineError(.badGrammar, "the grammar does not parse: it needs a rule named root, in GBNF")
            }
            grammar = made
        }
        chain = try Self.makeChain(parameters, vocabularySize: vocabularySize, contextLength: contextLength)
    }

    deinit {
        llama_sampler_free(chain)
        if let grammar { llama_sampler_free(grammar) }
    }

    /// Takes note of the prompt, whose last `producedCount` tokens were sampled by an earlier try of this session.
    func begin(prompt: [Int32], producedCount: Int) {
        let produced = min(producedCount, prompt.count)
        let window = parameters.repeatLastN < 0 ? prompt.count : parameters.repeatLastN
        for token in prompt.dropLast(produced).suffix(window) {
            llama_sampler_accept(chain, token)
        }
        for token in prompt.suffix(produced) {
            accept(token)
            if parameters.temperature > 0, let last = llama_sampler_chain_get(chain, llama_sampler_chain_n(chain) - 1) {
                shoal_sampler_draw(last)
            }
        }
    }

    /// Chooses a token from a row of logits, one per token of the vocabulary.
    func sample(_ logits: UnsafeMutablePointer<Float>) -> SampledToken {
        let distribution = parameters.topLogProbabilities.map { wanted in
            LogProbabilities(logits, vocabularySize: vocabularySize, wanted: wanted)
        }
        if producedCount < parameters.minimumTokens {
            for token in endOfGenerationTokens { logits[Int(token)] = -.infinity }
        }
        let token = isGreedy ? shoal_argmax(logits, Int32(vocabularySize)) : choose(logits)
        accept(token)
        return SampledToken(
            token: token, logProbability: distribution?.logProbability(of: token, in: logits),
            top: distribution?.top ?? [])
    }

    /// Nothing but the largest logit decides.
    private var isGreedy: Bool {
        parameters.temperature == 0 && grammar == nil && parameters.logitBias.isEmpty && !hasPenalties
    }

    private var hasPenalties: Bool { Self.hasPenalties(parameters) }

    private static func hasPenalties(_ parameters: SamplingParameters) -> Bool {
        parameters.repeatLastN != 0
            && (parameters.repeatPenalty != 1 || parameters.presencePenalty != 0 || parameters.frequencyPenalty != 0)
    }

    private func accept(_ token: Int32) {
        producedCount += 1
        llama_sampler_accept(chain, token)
        if let grammar, !endOfGenerationTokens.contains(token) || !parameters.ignoresEndOfGeneration {
            llama_sampler_accept(grammar, token)
        }
    }

    private func choose(_ logits: UnsafeMutablePointer<Float>) -> Int32 {
        guard let grammar else { return pick(logits, grammar: nil) }
        // The grammar looks at the whole vocabulary only when the first choice breaks it: that is the costly part.
        let first = pick(logits, grammar: nil)
        var single = llama_token_data(id: first, logit: 1, p: 0)
        let allowed = withUnsafeMutablePointer(to: &single) { data in
            var array = llama_token_data_array(data: data, size: 1, selected: -1, sorted: false)
            llama_sampler_apply(grammar, &array)
            return data.pointee.logit != -.infinity
        }
        return allowed ? first : pick(logits, grammar: grammar)
    }

    private func pick(_ logits: UnsafeMutablePointer<Float>, grammar: UnsafeMutablePointer<llama_sampler>?) -> Int32 {
        candidates.removeAll(keepingCapacity: true)
        candidates.reserveCapacity(vocabularySize)
        for token in 0..<vocabularySize {
            candidates.append(llama_token_data(id: Int32(token), logit: logits[token], p: 0))
        }
        return candidates.withUnsafeMutableBufferPointer { buffer in
            var array = llama_token_data_array(
                data: buffer.baseAddress, size: buffer.count, selected: -1, sorted: false)
            if let grammar { llama_sampler_apply(grammar, &array) }
            llama_sampler_apply(chain, &array)
            let index = array.selected >= 0 ? Int(array.selected) : 0
            return array.data[index].id
        }
    }

    /// In llama-server's order: bias, penalties, top-k, typical, top-p, min-p, temperature, draw.
    private static func makeChain(
        _ parameters: SamplingParameters, vocabularySize: Int, contextLength: Int
    ) throws -> UnsafeMutablePointer<llama_sampler> {
        guard let chain = llama_sampler_chain_init(llama_sampler_chain_default_params()) else {
            throw EngineError(.outOfMemory, "no memory for a sampler")
        }
        if !parameters.logitBias.isEmpty {
            let biases = parameters.logitBias.sorted { $0.key < $1.key }
                .map { llama_logit_bias(token: $0.key, bias: $0.value) }
            llama_sampler_chain_add(
                chain, llama_sampler_init_logit_bias(Int32(vocabularySize), Int32(biases.count), biases))
        }
        if hasPenalties(parameters) {
            let window = parameters.repeatLastN < 0 ? contextLength : parameters.repeatLastN
            llama_sampler_chain_add(
                chain,
                llama_sampler_init_penalties(
                    Int32(vocabularySize), Int32(window), parameters.repeatPenalty, parameters.frequencyPenalty,
                    parameters.presencePenalty))
        }
        guard parameters.temperature > 0 else {
            llama_sampler_chain_add(chain, llama_sampler_init_greedy())
            return chain
        }
        if parameters.topK > 0 {
            llama_sampler_chain_add(chain, llama_sampler_init_top_k(Int32(clamping: parameters.topK)))
        }
        if parameters.typicalP < 1 {
            llama_sampler_chain_add(chain, llama_sampler_init_typical(parameters.typicalP, 1))
        }
        if parameters.topP < 1 {
            llama_sampler_chain_add(chain, llama_sampler_init_top_p(parameters.topP, 1))
        }
        if parameters.minP > 0 {
            llama_sampler_chain_add(chain, llama_sampler_init_min_p(parameters.minP, 1))
        }
        llama_sampler_chain_add(chain, llama_sampler_init_temp(parameters.temperature))
        llama_sampler_chain_add(chain, llama_sampler_init_dist(parameters.seed))
        return chain
    }
}

/// The probabilities that a row of logits stands for, before any sampling option.
struct LogProbabilities {
    /// The most likely tokens, most likely first.
    let top: [RankedToken]
    private let logSumExp: Double

    init(_ logits: UnsafePointer<Float>, vocabularySize: Int, wanted: Int) {
        let logSumExp = shoal_log_sum_exp(logits, Int32(vocabularySize))
        var indices = [Int32](repeating: 0, count: min(max(wanted, 0), vocabularySize))
        let found = shoal_top(logits, Int32(vocabularySize), Int32(indices.count), &indices)
        top = indices.prefix(Int(found)).map {
            RankedToken(token: $0, logProbability: Float(Double(logits[Int($0)]) - logSumExp))
        }
        self.logSumExp = logSumExp
    }

    func logProbability(of token: Int32, in logits: UnsafePointer<Float>) -> Float {
        Float(Double(logits[Int(token)]) - logSumExp)
    }
}
