package import Identifiers

package import struct Foundation.Data

/// What a window is asked to do for one session.
package struct SessionRequest: Sendable {
    package let id: SessionID
    /// Whoever asks, as a number: those who hold many cells give way to those who hold few.
    package let caller: UInt64
    /// The whole prompt: every window compares it with the prefixes it has kept.
    package let prompt: [Int32]
    /// Whether kept prefixes may serve this session, and this session may leave one.
    package let cachePrompt: Bool
    package let adapters: AdapterSet
    /// Used by the last window alone, like everything below.
    package let sampler: SamplerOptions
    package let maximumTokens: Int
    /// The last so many tokens of `prompt` were sampled by an earlier try of the session.
    package let producedTokens: Int
    package let promptLogProbabilities: Bool

    package init(
        id: SessionID, caller: UInt64 = 0, prompt: [Int32], cachePrompt: Bool, adapters: AdapterSet = .none,
        sampler: SamplerOptions, maximumTokens: Int, producedTokens: Int = 0, promptLogProbabilities: Bool = false
    ) {
        self.id = id
        self.caller = caller
        self.prompt = prompt
        self.cachePrompt = cachePrompt
        self.adapters = adapters
        self.sampler = sampler
        self.maximumTokens = maximumTokens
        self.producedTokens = producedTokens
        self.promptLogProbabilities = promptLogProbabilities
    }
}

/// Rows of hidden states on their way from one window to the next.
package struct HiddenStates: Sendable {
    package let session: SessionID
    /// Position of the first row in the session.
    package let position: Int
    /// The tokens that the rows stand for, one each.
    package let tokens: [Int32]
    /// `tokens.count` rows of `embeddingLength` f32 values, in the machine's byte order (little-endian wherever Shoal runs).
    package let data: Data

    package init(session: SessionID, position: Int, tokens: [Int32], data: Data) {
        self.session = session
        self.position = position
        self.tokens = tokens
        self.data = data
    }
}

/// A sampled token on its way back to the first window.
package struct NextToken: Sendable, Equatable {
    package let session: SessionID
    package let position: Int
    package let token: Int32

    package init(session: SessionID, position: Int, token: Int32) {
        self.session = session
        self.position = position
        self.token = token
    }
}

/// What a window tells the coordinator of a session.
package enum SessionEvent: Sendable {
    /// The session has a place; so many tokens of its prompt need not be computed again.
    case opened(reusableTokens: Int)
    /// Prompt tokens done so far. Log-probabilities, if asked for, are those of the tokens since the last such event.
    case prompt(processedTokens: Int, logProbabilities: [PromptToken])
    case token(SampledToken, bytes: [UInt8], endsGeneration: Bool)
    case finished(SessionSummary)
    case failed(EngineError)
}

/// How likely the model thought a token of the prompt.
package struct PromptToken: Sendable, Equatable {
    package let token: Int32
    /// `nil` for the very first token, which nothing comes before.
    package let logProbability: Float?
    package let top: [RankedToken]
}

/// How a session ended, as the last window saw it.
package struct SessionSummary: Sendable, Equatable {
    package enum Reason: Sendable, Equatable {
        case endOfGeneration
        case maximumTokens
        case contextFull
    }

    package let reason: Reason
    package let promptTokens: Int
    package let reusedTokens: Int
    package let producedTokens: Int
    package let promptDuration: Duration
    package let decodeDuration: Duration
}

/// Where a window sends what a session gives. Called on the thread that computes: none may block.
package struct SessionOutputs: Sendable {
    package let event: @Sendable (SessionEvent) -> Void
    /// To the next window; unused by the last one.
    package let hiddenStates: @Sendable (HiddenStates) -> Void
    /// To the first window; unused where one window is first and last.
    package let nextToken: @Sendable (NextToken) -> Void

    package init(
        event: @escaping @Sendable (SessionEvent) -> Void,
        hiddenStates: @escaping @Sendable (HiddenStates) -> Void,
        nextToken: @escaping @Sendable (NextToken) -> Void
    ) {
        self.event = event
        self.hiddenStates = hiddenStates
        self.nextToken = nextToken
    }
}
