package import Generation

/// Lets so many generations run at once, shared fairly between callers; more wait in line, and past the end of the line they are
/// refused.
final class AdmissionGate: Sendable {
    /// Lines of this many times the places: one for each caller, and one that is as long as all together may be.
    private static let callerLines = 4
    private static let lines = 32
    /// Tokens of prompts that may wait: of a caller of standard weight, and of all.
    private static let callerTokens = 1 << 20
    private static let tokens = 16 << 20

    private let gate: FairGate

    /// - Parameters:
    ///   - limit: generations at once.
    ///   - callerPercent: how much of them one caller may have; what is left is for others who come.
    init(limit: Int, callerPercent: Int = 100) {
        let limit = max(1, limit)
        gate = FairGate(
            FairShares.Limits(
                places: limit, callerPlaces: max(1, limit * min(max(callerPercent, 1), 100) / 100),
                callerWaiting: limit * Self.callerLines, waiting: limit * Self.lines,
                callerLoad: Self.callerTokens, load: Self.tokens))
    }

    /// Waits for a place; ``leave(_:)`` gives it back.
    ///
    /// - Throws: `InferenceError` with `callerBusy` or `noCapacity`, or `CancellationError`.
    func enter(_ share: Share, promptTokens: Int) async throws {
        do {
            try await gate.enter(share, load: promptTokens)
        } catch let refusal as FairGate.Refusal {
            throw InferenceError(refusal)
        }
    }

    /// Gives a place back.
    func leave(_ share: Share) { gate.leave(share) }
}

extension InferenceError.Code {
    /// Whoever asks has too much that waits already; others may ask.
    package static let callerBusy = InferenceError.Code(rawValue: "caller_busy")
}

extension InferenceError {
    /// What a caller is told whose work may not even wait.
    init(_ refusal: FairGate.Refusal) {
        switch refusal {
        case .callerWaits(let count):
            self.init(
                .callerBusy, "\(count) of your requests wait already: no more are taken",
                hint: "try again when some of them have ended")
        case .allWait(let count):
            self.init(.noCapacity, "\(count) requests wait: no more are taken", hint: "try again later")
        }
    }
}
