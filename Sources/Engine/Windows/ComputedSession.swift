/// A session as its window's thread sees it.
///
/// Confined to that thread.
final class ComputedSession {
    let request: SessionRequest
    let outputs: SessionOutputs
    let openedAt = ContinuousClock.now
    /// Present once the session is started.
    var sequence: Int32?
    /// The kept prefix that may serve, until the session starts.
    var pinned: (sequence: Int32, length: Int)?
    /// In the last window alone.
    var sampler: TokenSampler?
    /// Tokens whose cells the window has: the reused ones and all that were computed.
    var history: [Int32] = []
    /// First window: what comes next, the rest of the prompt or one sampled token.
    var pendingTokens: ArraySlice<Int32> = []
    /// Other windows: what has come and is not computed yet.
    var pendingStates: [HiddenStates] = []
    /// Where the next hidden states have to begin; `nil` before the start and the first of them.
    var expectedPosition: Int?
    var producedCount = 0
    /// Its cells are still in the context for prompts.
    var isInPromptContext = false
    private var reusedTokens = 0
    private var startedAt: ContinuousClock.Instant?
    private var firstTokenAt: ContinuousClock.Instant?

    init(request: SessionRequest, outputs: SessionOutputs) {
        self.request = request
        self.outputs = outputs
    }

    func start(reusedTokens: Int, isFirst: Bool) {
        self.reusedTokens = reusedTokens
        startedAt = .now
        history = Array(request.prompt.prefix(reusedTokens))
        if expectedPosition == nil { expectedPosition = reusedTokens }
        if isFirst { pendingTokens = request.prompt.dropFirst(reusedTokens) }
    }

    /// Position of the next row to compute.
    var position: Int { history.count }

    var hasInput: Bool { sequence != nil && (!pendingTokens.isEmpty || !pendingStates.isEmpty) }

    /// Rows that can be computed at once.
    var inputLength: Int { pendingTokens.isEmpty ? pendingStates.first?.tokens.count ?? 0 : pendingTokens.count }

    var isPrompt: Bool { position < request.prompt.count }

    /// Past its prompt, so that somebody waits for every token.
    var isDecoding: Bool { sequence != nil && !isPrompt }

    /// Takes `count` rows out; hidden states come as a whole.
    func takeInput(count: Int) -> (tokens: [Int32], states: HiddenStates?) {
        if !pendingTokens.isEmpty {
            let tokens = Array(pendingTokens.prefix(count))
            pendingTokens = pendingTokens.dropFirst(count)
            return (tokens, nil)
        }
        let states = pendingStates.removeFirst()
        return (states.tokens, states)
    }

    /// Puts back what ``takeInput(count:)`` gave, because it was not computed.
    func returnInput(_ tokens: [Int32], _ states: HiddenStates?) {
        if let states {
            pendingStates.insert(states, at: 0)
        } else {
            pendingTokens = ArraySlice(tokens + pendingTokens)
        }
    }

    func noteToken() {
        if firstTokenAt == nil { firstTokenAt = .now }
    }

    func summary(_ reason: SessionSummary.Reason) -> SessionSummary {
        let now = ContinuousClock.now
        let first = firstTokenAt ?? now
        return SessionSummary(
            reason: reason, promptTokens: request.prompt.count, reusedTokens: reusedTokens,
            producedTokens: producedCount, promptDuration: first - (startedAt ?? first), decodeDuration: now - first)
    }
}
