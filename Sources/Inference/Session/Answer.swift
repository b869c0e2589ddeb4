import Generation
import Link

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// The answer of one generation as it grows, over all tries: what was produced, and the events that come of it.
struct Answer: Sendable {
    /// What a token means for the session.
    enum Verdict: Sendable, Equatable {
        case goOn
        /// A stop text is complete: the session may end.
        case stopped
        /// The segment sent what no engine sends.
        case nonsense(String)
    }

    /// Tokens of the answer so far, end-of-generation ones left out.
    private(set) var produced: [Int32] = []
    private(set) var hasStopped = false
    private(set) var firstToken: ContinuousClock.Instant?
    private(set) var lastToken: ContinuousClock.Instant?

    private let input: SessionInput
    private var assembler: TextAssembler
    private var echo: EchoedPrompt?

    init(_ input: SessionInput) {
        self.input = input
        assembler = TextAssembler(stop: input.stop, textOffset: input.echo?.text.unicodeScalars.count ?? 0)
        echo = input.echo.map { EchoedPrompt($0, tokenCount: input.prompt.count) }
    }

    /// Whether the next try has to work out log-probabilities of the prompt.
    var wantsPromptLogProbabilities: Bool { echo?.wantsTokens ?? false }

    /// A try begins: what an earlier one said of the prompt does not count.
    mutating func restart() { echo?.restart() }

    /// Log-probabilities of the prompt's tokens arrived.
    mutating func take(_ progress: Shoal_V1_PromptProgress) -> Verdict {
        guard echo?.wantsTokens == true, !progress.logProbabilities.isEmpty else { return .goOn }
        for token in progress.logProbabilities where !isInVocabulary(token.token) {
            return .nonsense("token \(token.token) is not in the vocabulary")
        }
        guard echo?.take(progress.logProbabilities) == true else { return .nonsense("too many prompt tokens") }
        return .goOn
    }

    /// A token was sampled.
    mutating func take(_ token: Shoal_V1_SampledToken, now: ContinuousClock.Instant) -> ([GenerationEvent], Verdict) {
        guard !hasStopped else { return ([], .stopped) }
        guard isInVocabulary(token.token) else {
            return ([], .nonsense("token \(token.token) is not in the vocabulary"))
        }
        guard produced.count < input.maximumTokens else { return ([], .nonsense("more tokens than were asked for")) }
        if firstToken == nil { firstToken = now }
        lastToken = now
        produced.append(token.token)
        var events = echoEvents()
        if token.endOfGeneration, !input.ignoreEndOfGeneration { return (events, .goOn) }
        let wanted = input.sampling.topLogProbabilities >= 0
        let piece = assembler.feed(
            token: token.token, bytes: bytes(of: token),
            logProbability: wanted ? TokenInfo.finite(token.logProbability) : nil,
            top: wanted ? token.top.map { TokenInfo.Candidate($0) } : [])
        if !piece.isEmpty { events.append(.text(piece.text, piece.tokens)) }
        hasStopped = assembler.hasStopped
        return (events, hasStopped ? .stopped : .goOn)
    }

    /// The session has ended: what was held back.
    mutating func finish() -> [GenerationEvent] {
        var events = echoEvents()
        let piece = assembler.finish()
        if !piece.isEmpty { events.append(.text(piece.text, piece.tokens)) }
        return events
    }

    /// The token's text; of control tokens that the answer's reader has to see, their own.
    private func bytes(of token: Shoal_V1_SampledToken) -> [UInt8] {
        if token.piece.isEmpty, let marker = input.markers[token.token] { return marker }
        return [UInt8](token.piece)
    }

    private mutating func echoEvents() -> [GenerationEvent] {
        guard let echo else { return [] }
        self.echo = nil
        return [.text(echo.text, echo.tokens)]
    }

    private func isInVocabulary(_ token: Int32) -> Bool { token >= 0 && Int(token) < input.vocabularySize }
}

/// The prompt as it comes before the answer, with what is known of its tokens.
private struct EchoedPrompt: Sendable {
    let text: String
    private let withTokens: Bool
    private let tokenCount: Int
    private(set) var tokens: [TokenInfo] = []
    private var offset = 0

    init(_ echo: SessionInput.Echo, tokenCount: Int) {
        text = echo.text
        withTokens = echo.logProbabilities
        self.tokenCount = tokenCount
    }

    var wantsTokens: Bool { withTokens }

    mutating func restart() {
        tokens = []
        offset = 0
    }

    /// Takes the next tokens; false when there are more than the prompt has.
    mutating func take(_ probabilities: [Shoal_V1_TokenLogProbability]) -> Bool {
        guard tokens.count + probabilities.count <= tokenCount else { return false }
        for (index, token) in probabilities.enumerated() {
            let bytes = [UInt8](token.piece)
            tokens.append(
                TokenInfo(
                    token: token.token, bytes: bytes,
                    logProbability: token.hasValue_p ? TokenInfo.finite(token.logProbability) : nil,
                    top: token.top.map { TokenInfo.Candidate($0) }, textOffset: offset))
            // A beginning-of-text token that was added takes no place in the text.
            let isAdded = tokens.count == 1 && index == 0 && !text.utf8.starts(with: bytes)
            if !isAdded { offset += bytes.count { $0 & 0xC0 != 0x80 } }
        }
        return true
    }
}

extension TokenInfo {
    /// A log-probability as JSON can carry it.
    static func finite(_ value: Float) -> Float { value.isFinite ? value : -9999 }
}

extension TokenInfo.Candidate {
    init(_ token: Shoal_V1_TokenLogProbability) {
        self.init(
            token: token.token, bytes: [UInt8](token.piece), logProbability: TokenInfo.finite(token.logProbability))
    }
}
