/// What a client wants generated: a model, a prompt, how to sample, and when to stop.
package struct GenerationRequest: Sendable {
    /// The prompt in one of its three forms.
    package enum Prompt: Sendable {
        /// A conversation, rendered by the model's own template.
        case chat(Chat)
        /// Plain text, tokenized with the model's own first token where it wants one.
        case text(String)
        /// Token ids, taken as they are.
        case tokens([Int32])
    }

    /// Id of the model, as the client wrote it.
    package var model: String
    package var prompt: Prompt
    package var sampling: Sampling
    /// Tokens to produce at most; nil: as many as the context has room for.
    package var maximumTokens: Int?
    /// Texts that end the answer; they are not part of it.
    package var stop: [String]
    /// How many of the most likely tokens come with each token; nil: no log-probabilities at all.
    package var topLogProbabilities: Int?
    /// The prompt's text (and, with log-probabilities, its tokens) comes before what is generated.
    package var echo: Bool
    /// Whether what is still in a key-value cache from an earlier prompt may be used again.
    package var cachePrompt: Bool
    /// End-of-generation tokens are ordinary tokens: the answer goes on to `maximumTokens`.
    package var ignoreEndOfGeneration: Bool
    package var responseFormat: ResponseFormat
    /// Whether tool calls and reasoning are taken out of the text; otherwise everything is text.
    package var parseToolCalls: Bool
    /// For whom the work is done.
    package var share = Share.node

    package init(
        model: String, prompt: Prompt, sampling: Sampling = Sampling(), maximumTokens: Int? = nil,
        stop: [String] = [], topLogProbabilities: Int? = nil, echo: Bool = false, cachePrompt: Bool = true,
        ignoreEndOfGeneration: Bool = false, responseFormat: ResponseFormat = .text, parseToolCalls: Bool = false
    ) {
        self.model = model
        self.prompt = prompt
        self.sampling = sampling
        self.maximumTokens = maximumTokens
        self.stop = stop
        self.topLogProbabilities = topLogProbabilities
        self.echo = echo
        self.cachePrompt = cachePrompt
        self.ignoreEndOfGeneration = ignoreEndOfGeneration
        self.responseFormat = responseFormat
        self.parseToolCalls = parseToolCalls
    }
}
