/// How the next token is chosen. The defaults are those of llama-server.
package struct Sampling: Sendable, Equatable {
    /// 0: the most likely token, always.
    package var temperature: Float = 0.8
    /// Only this many of the most likely tokens; 0: off.
    package var topK: Int = 40
    /// Only the most likely tokens whose probabilities sum to this; 1: off.
    package var topP: Float = 0.95
    /// Only tokens at least this fraction as likely as the most likely one; 0: off.
    package var minP: Float = 0.05
    /// Locally typical sampling; 1: off.
    package var typicalP: Float = 1
    /// Divides the logits of tokens that occurred lately; 1: off.
    package var repeatPenalty: Float = 1
    /// How many tokens back the penalties look; 0: off, -1: the whole context.
    package var repeatLastN: Int = 64
    package var presencePenalty: Float = 0
    package var frequencyPenalty: Float = 0
    /// Start of the random numbers; nil: a new one for each request.
    package var seed: UInt32?
    /// Added to the logits of tokens.
    package var logitBias: [Int32: Float] = [:]

    package init() {}

    /// Changes nothing: tokens as likely as the model has them.
    package static let pure: Sampling = {
        var sampling = Sampling()
        (sampling.temperature, sampling.topK, sampling.topP, sampling.minP) = (1, 0, 1, 0)
        return sampling
    }()
}
