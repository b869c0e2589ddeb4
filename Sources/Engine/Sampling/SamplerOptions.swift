package import Generation

/// How the tokens of one answer are chosen: as the client asked, and by what the answer is held to.
package struct SamplerOptions: Sendable, Equatable {
    /// What the client asked for. Its seed is one that every try of the session has.
    package var sampling = Sampling.pure
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
        try require(
            sampling.temperature.isFinite && sampling.temperature >= 0,
            "sampling.temperature is \(sampling.temperature), must be 0 or more")
        try require(sampling.topK >= 0, "top_k is \(sampling.topK), must be 0 or more")
        try require(
            sampling.topP.isFinite && sampling.topP > 0 && sampling.topP <= 1,
            "top_p is \(sampling.topP), must be above 0 and at most 1")
        try require(
            sampling.minP.isFinite && sampling.minP >= 0 && sampling.minP <= 1,
            "min_p is \(sampling.minP), must be from 0 to 1")
        try require(
            sampling.typicalP.isFinite && sampling.typicalP > 0 && sampling.typicalP <= 1,
            "typical_p is \(sampling.typicalP), must be above 0 and at most 1")
        try require(
            sampling.repeatPenalty.isFinite && sampling.repeatPenalty > 0,
            "repeat_penalty is \(sampling.repeatPenalty), must be above 0")
        try require(sampling.repeatLastN >= -1, "repeat_last_n is \(sampling.repeatLastN), must be -1 or more")
        try require(sampling.presencePenalty.isFinite, "presence_penalty is not a finite number")
        try require(sampling.frequencyPenalty.isFinite, "frequency_penalty is not a finite number")
        for (token, bias) in sampling.logitBias {
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
