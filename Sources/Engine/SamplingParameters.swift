/// How the next token is chosen. The defaults change nothing: pure sampling at temperature 1.
package struct SamplingParameters: Sendable, Equatable {
    /// 0: the most likely token, always.
    package var temperature: Float = 1
    /// Only the so many most likely tokens; 0: off.
    package var topK: Int = 0
    /// Only the most likely tokens that make up this probability; 1: off.
    package var topP: Float = 1
    /// Only tokens at least this likely relative to the most likely one; 0: off.
    package var minP: Float = 0
    /// Locally typical sampling; 1: off.
    package var typicalP: Float = 1
    /// Divides (or multiplies) the logits of tokens seen lately; 1: off.
    package var repeatPenalty: Float = 1
    /// How many tokens back the penalties look; 0: off, -1: the whole context.
    package var repeatLastN: Int = 64
    package var presencePenalty: Float = 0
    package var frequencyPenalty: Float = 0
    package var seed: UInt32 = 0
    /// Added to the logits of these tokens before anything else.
    package var logitBias: [Int32: Float] = [:]
    /// GBNF; empty for none.
    package var grammar = ""
    /// From where on the grammar holds.
    package var grammarStart = GrammarStart()
    /// How many of the most likely tokens come with each token; `nil`: no log-probabilities at all.
    package var topLogProbabilities: Int?
    /// Generation does not end before so many tokens.
    package var minimumTokens = 0
    /// End-of-generation tokens are ordinary tokens.
    package var ignoresEndOfGeneration = false

    package init() {}

    /// Throws ``EngineError`` with code `badRequest` that names the value out of range.
    package func validate(vocabularySize: Int) throws {
        func require(_ holds: Bool, _ message: @autoclosure () -> String) throws {
            guard holds else { throw EngineError(.badRequest, message()) }
        }
        try require(temperature.isFinite && temperature >= 0, "temperature is \(temperature), must be 0 or more")
        try require(topK >= 0, "top_k is \(topK), must be 0 or more")
        try require(topP.isFinite && topP > 0 && topP <= 1, "top_p is \(topP), must be above 0 and at most 1")
        try require(minP.isFinite && minP >= 0 && minP <= 1, "min_p is \(minP), must be from 0 to 1")
        try require(
            typicalP.isFinite && typicalP > 0 && typicalP <= 1,
            "typical_p is \(typicalP), must be above 0 and at most 1")
        try require(repeatPenalty.isFinite && repeatPenalty > 0, "repeat_penalty is \(repeatPenalty), must be above 0")
        try require(repeatLastN >= -1, "repeat_last_n is \(repeatLastN), must be -1 or more")
        try require(presencePenalty.isFinite, "presence_penalty is not a finite number")
        try require(frequencyPenalty.isFinite, "frequency_penalty is not a finite number")
        for (token, bias) in logitBias {
            try require(
                token >= 0 && Int(token) < vocabularySize,
                "logit_bias names token \(token), the model has \(vocabularySize)")
            try require(!bias.isNaN, "logit_bias of token \(token) is not a number")
        }
        try grammarStart.validate(vocabularySize: vocabularySize)
    }
}

/// From where on an answer is held to its grammar.
package struct GrammarStart: Sendable, Equatable {
    /// It holds from the first of these texts on; none: from the beginning.
    package var triggers: [String] = []
    /// Tokens of the prompt's end that the grammar begins with.
    package var prefix: [Int32] = []
    /// Inside of reasoning nothing triggers it: what that begins and ends with, and whether the prompt ends inside of it.
    package var reasoningStart = ""
    package var reasoningEnds: [String] = []
    package var startsInReasoning = false

    package init() {}

    fileprivate static let maximumTriggers = 64
    fileprivate static let maximumTextBytes = 1024
}

extension GrammarStart {
    /// Throws ``EngineError`` with code `badRequest`.
    fileprivate func validate(vocabularySize: Int) throws {
        let texts = triggers + reasoningEnds + [reasoningStart]
        guard texts.count <= Self.maximumTriggers, texts.allSatisfy({ $0.utf8.count <= Self.maximumTextBytes }),
            texts.allSatisfy({ !$0.utf8.contains(0) }), triggers.allSatisfy({ !$0.isEmpty })
        else {
            throw EngineError(
                .badRequest,
                "what begins a grammar are at most \(Self.maximumTriggers) texts of 1 to \(Self.maximumTextBytes) bytes"
            )
        }
        if let wrong = prefix.first(where: { $0 < 0 || Int($0) >= vocabularySize }) {
            throw EngineError(.badRequest, "a grammar begins with token \(wrong), the model has \(vocabularySize)")
        }
    }
}
