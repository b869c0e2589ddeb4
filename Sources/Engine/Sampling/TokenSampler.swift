internal import CEngine
internal import Generation

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
    private let options: SamplerOptions
    private var sampling: Sampling { options.sampling }
    private let vocabularySize: Int
    private let endOfGenerationTokens: [Int32]
    private let chain: UnsafeMutablePointer<llama_sampler>
    private let grammar: SessionGrammar?
    private var candidates: [llama_token_data] = []
    private var producedCount = 0
    private let contextLength: Int

    /// How many tokens are tried where the grammar begins with a token that holds more than it allows.
    private static let maximumBeginnings = 8

    /// - Throws: ``EngineError`` with code `badRequest` or `badGrammar`.
    init(_ options: SamplerOptions, vocabulary: Vocabulary, contextLength: Int) throws {
        try options.validate(vocabularySize: vocabulary.tokenCount)
        self.options = options
        self.contextLength = contextLength
        vocabularySize = vocabulary.tokenCount
        endOfGenerationTokens = vocabulary.endOfGenerationTokens
        grammar =
            options.grammar.isEmpty
            ? nil : try SessionGrammar(options.grammar, start: options.grammarStart, vocabulary: vocabulary)
        chain = try Self.makeChain(options.sampling, vocabularySize: vocabularySize, contextLength: contextLength)
    }

    deinit {
        llama_sampler_free(chain)
    }

    /// Takes note of the prompt, whose last `producedCount` tokens were sampled by an earlier try of this session.
    ///
    /// - Throws: ``EngineError`` with code `badGrammar` where those do not fit the grammar.
    func begin(prompt: [Int32], producedCount: Int) throws {
        let produced = min(producedCount, prompt.count)
        let window = sampling.repeatLastN < 0 ? prompt.count : sampling.repeatLastN
        for token in prompt.dropLast(produced).suffix(window) {
            llama_sampler_accept(chain, token)
        }
        for token in prompt.suffix(produced) {
            let isHeld = grammar?.holds == true
            try grammar?.accept(token)
            accept(token)
            draw()
            if isHeld { draw() }
        }
    }

    /// Chooses a token from a row of logits, one per token of the vocabulary; nil where nothing can come after what the grammar
    /// describes.
    ///
    /// - Throws: ``EngineError`` with code `badGrammar`.
    func sample(_ logits: UnsafeMutablePointer<Float>) throws -> SampledToken? {
        let distribution = options.topLogProbabilities.map { wanted in
            LogProbabilities(logits, vocabularySize: vocabularySize, wanted: wanted)
        }
        if producedCount < options.minimumTokens {
            for token in endOfGenerationTokens { logits[Int(token)] = -.infinity }
        }
        let token: Int32
        if let grammar {
            guard let chosen = try choose(logits, grammar) else { return nil }
            token = chosen
        } else {
            token = chooseFreely(logits)
        }
        accept(token)
        return SampledToken(
            token: token, logProbability: distribution?.logProbability(of: token, in: logits),
            top: distribution?.top ?? [])
    }

    /// Nothing but the largest logit decides, as far as no grammar does.
    private var isGreedy: Bool {
        sampling.temperature == 0 && sampling.logitBias.isEmpty && !hasPenalties
    }

    private var hasPenalties: Bool { Self.hasPenalties(sampling) }

    private static func hasPenalties(_ sampling: Sampling) -> Bool {
        sampling.repeatLastN != 0
            && (sampling.repeatPenalty != 1 || sampling.presencePenalty != 0 || sampling.frequencyPenalty != 0)
    }

    private func accept(_ token: Int32) {
        producedCount += 1
        llama_sampler_accept(chain, token)
    }

    /// Takes one random number, as choosing a token does.
    private func draw() {
        guard sampling.temperature > 0, let last = llama_sampler_chain_get(chain, llama_sampler_chain_n(chain) - 1)
        else { return }
        shoal_sampler_draw(last)
    }

    private func chooseFreely(_ logits: UnsafeMutablePointer<Float>) -> Int32 {
        if isGreedy { return shoal_argmax(logits, Int32(vocabularySize)) }
        return pick(logits) { _ in }.token
    }

    /// Chooses a token and lets the grammar know.
    private func choose(_ logits: UnsafeMutablePointer<Float>, _ grammar: SessionGrammar) throws -> Int32? {
        guard grammar.holds else { return try chooseBefore(logits, grammar) }
        guard let token = try chooseHeld(logits, grammar) else {
            guard try grammar.isComplete() else {
                throw EngineError(
                    .badGrammar, "the grammar cannot be followed: no token of the model fits what it wants next")
            }
            return nil
        }
        try grammar.accept(token)
        return token
    }

    /// Before the grammar holds. The token that completes its trigger may have more bytes than that, which it may not allow; then
    /// another one is chosen.
    private func chooseBefore(_ logits: UnsafeMutablePointer<Float>, _ grammar: SessionGrammar) throws -> Int32 {
        var failure: EngineError?
        for _ in 0..<Self.maximumBeginnings {
            let token = chooseFreely(logits)
            do throws(EngineError) {
                try grammar.accept(token)
                return token
            } catch {
                failure = error
                logits[Int(token)] = -.infinity
            }
        }
        throw failure ?? EngineError(.badGrammar, "the grammar cannot be begun")
    }

    /// Two random numbers for each token, whichever way it is found, so that a session that goes on elsewhere draws on.
    private func chooseHeld(_ logits: UnsafeMutablePointer<Float>, _ grammar: SessionGrammar) throws -> Int32? {
        // The grammar looks at the whole vocabulary only when the first choice breaks it: that is the costly part.
        let first = chooseFreely(logits)
        if logits[Int(first)] > -.infinity, try grammar.allows(first) {
            draw()
            return first
        }
        var failure: EngineError?
        let (token, hasChance) = pick(logits) { candidates in
            do throws(EngineError) { try grammar.apply(&candidates) } catch { failure = error }
        }
        if let failure { throw failure }
        return hasChance ? token : nil
    }

    /// The chain's choice out of all tokens, those left out that `narrow` takes the chances of; and whether it had any.
    private func pick(
        _ logits: UnsafeMutablePointer<Float>, narrow: (inout llama_token_data_array) -> Void
    ) -> (token: Int32, hasChance: Bool) {
        candidates.removeAll(keepingCapacity: true)
        candidates.reserveCapacity(vocabularySize)
        for token in 0..<vocabularySize {
            candidates.append(llama_token_data(id: Int32(token), logit: logits[token], p: 0))
        }
        return candidates.withUnsafeMutableBufferPointer { buffer in
            var array = llama_token_data_array(
                data: buffer.baseAddress, size: buffer.count, selected: -1, sorted: false)
            narrow(&array)
            // The chain's samplers expect that there is something to choose from.
            guard buffer.contains(where: { $0.logit > -.infinity }) else { return (0, false) }
            llama_sampler_apply(chain, &array)
            let chosen = array.data[array.selected >= 0 ? Int(array.selected) : 0]
            return (chosen.id, chosen.logit > -.infinity)
        }
    }

    /// In llama-server's order: bias, penalties, top-k, typical, top-p, min-p, temperature, draw.
    private static func makeChain(
        _ sampling: Sampling, vocabularySize: Int, contextLength: Int
    ) throws -> UnsafeMutablePointer<llama_sampler> {
        guard let chain = llama_sampler_chain_init(llama_sampler_chain_default_params()) else {
            throw EngineError(.outOfMemory, "no memory for a sampler")
        }
        if !sampling.logitBias.isEmpty {
            let biases = sampling.logitBias.sorted { $0.key < $1.key }
                .map { llama_logit_bias(token: $0.key, bias: $0.value) }
            llama_sampler_chain_add(
                chain, llama_sampler_init_logit_bias(Int32(vocabularySize), Int32(biases.count), biases))
        }
        if hasPenalties(sampling) {
            let window = sampling.repeatLastN < 0 ? contextLength : sampling.repeatLastN
            llama_sampler_chain_add(
                chain,
                llama_sampler_init_penalties(
                    Int32(vocabularySize), Int32(window), sampling.repeatPenalty, sampling.frequencyPenalty,
                    sampling.presencePenalty))
        }
        guard sampling.temperature > 0 else {
            llama_sampler_chain_add(chain, llama_sampler_init_greedy())
            return chain
        }
        if sampling.topK > 0 {
            llama_sampler_chain_add(chain, llama_sampler_init_top_k(Int32(clamping: sampling.topK)))
        }
        if sampling.typicalP < 1 {
            llama_sampler_chain_add(chain, llama_sampler_init_typical(sampling.typicalP, 1))
        }
        if sampling.topP < 1 {
            llama_sampler_chain_add(chain, llama_sampler_init_top_p(sampling.topP, 1))
        }
        if sampling.minP > 0 {
            llama_sampler_chain_add(chain, llama_sampler_init_min_p(sampling.minP, 1))
        }
        llama_sampler_chain_add(chain, llama_sampler_init_temp(sampling.temperature))
        llama_sampler_chain_add(chain, llama_sampler_init_dist(sampling.seed ?? 0))
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
