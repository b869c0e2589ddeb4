package import Generation

extension Shoal_V1_Sampling {
    /// - Parameter seed: Chosen by whoever asks where the client chose none, so that whoever goes on elsewhere draws the same numbers.
    package init(_ sampling: Sampling, seed: UInt32) {
        self.init()
        temperature = max(0, sampling.temperature)
        topK = UInt32(clamping: sampling.topK)
        // Zero stands for "not given".
        topP = max(sampling.topP, .leastNormalMagnitude)
        minP = sampling.minP
        typicalP = max(sampling.typicalP, .leastNormalMagnitude)
        repeatPenalty = sampling.repeatPenalty
        repeatLastN = Int32(clamping: sampling.repeatLastN)
        presencePenalty = sampling.presencePenalty
        frequencyPenalty = sampling.frequencyPenalty
        self.seed = seed
        logitBias = sampling.logitBias
    }
}

extension Sampling {
    /// What a message says; values out of range are found by whoever samples.
    package init(_ message: Shoal_V1_Sampling) {
        self.init()
        temperature = message.temperature
        topK = Int(message.topK)
        // Zero is what an absent field reads as; none of these options can be zero.
        topP = message.topP == 0 ? 1 : message.topP
        minP = message.minP
        typicalP = message.typicalP == 0 ? 1 : message.typicalP
        repeatPenalty = message.repeatPenalty == 0 ? 1 : message.repeatPenalty
        repeatLastN = Int(message.repeatLastN)
        presencePenalty = message.presencePenalty
        frequencyPenalty = message.frequencyPenalty
        seed = message.seed
        logitBias = message.logitBias
    }
}
