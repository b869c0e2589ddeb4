package import Identifiers
package import Link

/// All that a session needs once the prompt is tokens.
package struct SessionInput: Sendable {
    package var requestID: String
    package var model: String
    package var prompt: [Int32]
    package var sampling: Shoal_V1_Sampling
    /// Tokens to produce at most, at least 0.
    package var maximumTokens: Int
    /// Tokens that prompt and answer may have together.
    package var contextLength: Int
    package var vocabularySize: Int
    package var cachePrompt = true
    package var adapters = AdapterSet.none
    package var ignoreEndOfGeneration = false
    package var stop: [String] = []
    package var echo: Echo?
    /// A number for whoever asks, the same for all of its sessions, that says nothing of who it is.
    package var caller: UInt64 = 0
    /// Control tokens that are text of the answer: engines send them without any.
    package var markers: [Int32: [UInt8]] = [:]

    /// What of the prompt comes before the answer.
    package struct Echo: Sendable {
        /// The prompt's text.
        package var text: String
        /// The prompt's tokens come with their log-probabilities.
        package var logProbabilities: Bool

        package init(text: String, logProbabilities: Bool) {
            self.text = text
            self.logProbabilities = logProbabilities
        }
    }

    package init(
        requestID: String, model: String, prompt: [Int32], sampling: Shoal_V1_Sampling, maximumTokens: Int,
        contextLength: Int, vocabularySize: Int
    ) {
        self.requestID = requestID
        self.model = model
        self.prompt = prompt
        self.sampling = sampling
        self.maximumTokens = maximumTokens
        self.contextLength = contextLength
        self.vocabularySize = vocabularySize
    }
}
