import Link

/// What engines that ended amid a request say of the request: one that asks for unusual work may be what ends them.
///
/// Nobody can tell an engine that ended from a node or a link that was lost at once. So what asks for nothing unusual goes on wherever it
/// can; the other is tried once more, where it was if that node is there, so that it ends no engine after engine over the swarm.
struct EngineBlame: Sendable, Equatable {
    enum Verdict: Sendable, Equatable {
        /// As after any loss.
        case goOn
        /// On the same nodes again.
        case sameNodes
        /// No more.
        case giveUp
    }

    /// The request has a grammar, which libllama follows with code that can fail on it.
    let isUnusual: Bool
    /// Streams that broke because their other end was gone.
    private(set) var ends = 0

    private static let maximumEnds = 2

    init(_ input: SessionInput) { isUnusual = !input.sampling.grammar.isEmpty }

    /// Takes note of a stream that broke.
    ///
    /// - Parameter nodeIsThere: The node answers, so that it was its engine that ended.
    mutating func streamBroke(nodeIsThere: Bool) -> Verdict {
        guard isUnusual else { return .goOn }
        ends += 1
        if ends >= Self.maximumEnds { return .giveUp }
        return nodeIsThere ? .sameNodes : .goOn
    }
}
