internal import Foundation
internal import GGUF
internal import Identifiers

/// The thread of a window: takes commands, makes batches out of what all sessions have ready, hands results on.
///
/// Not `Sendable`: made by ``Window``, then used by its thread alone.
final class WindowComputer {
    /// Kept alive by its thread until it is unloaded.
    let window: Window
    private var context: WindowContext?
    /// Where long prompts are computed, on weights in the layout that is faster for them; their cells move to `context`
    /// at the end of the prompt.
    private var promptContext: WindowContext?
    private var movingBuffer: [UInt8] = []
    var sequences: SequenceTable
    var sessions: [SessionID: ComputedSession] = [:]
    /// Sessions in the order in which they were opened: decoding goes round, prompts first come, first served.
    var order: [SessionID] = []
    var usedCells: [Int32: Int] = [:]

    /// Shorter prompts do not repay the move to the other context.
    private static let shortestMovedPrompt = 64

    init(window: Window, context: WindowContext, promptContext: WindowContext?) {
        self.window = window
        self.context = context
        self.promptContext = promptContext
        sequences = SequenceTable(capacity: window.configuration.maximumSequences)
    }

    func run() {
        window.threadRuns()
        defer { window.threadEnds() }
        while context != nil {
            let hasWork = sessions.values.contains { $0.hasInput }
            for command in window.takeCommands(waiting: !hasWork) { carryOut(command) }
            if let context { computeOnce(context, isForPrompts: false) }
            if let promptContext { computeOnce(promptContext, isForPrompts: true) }
        }
    }

    // MARK: Commands

    private func carryOut(_ command: WindowCommand) {
        switch command {
        case .open(let request, let outputs): open(request, outputs)
        case .start(let id, let reused): start(id, reusedTokens: reused)
        case .hiddenStates(let states): take(states)
        case .nextToken(let token): take(token)
        case .close(let id): close(id)
        case .fail(let id, let error): fail(id, error)
        case .embed(let inputs, let reply): embed(inputs, reply)
        case .unload: unload()
        }
        publishCounts()
    }

    private func open(_ request: SessionRequest, _ outputs: SessionOutputs) {
        do {
            guard sessions[request.id] == nil else {
                throw EngineError(.badRequest, "session \(request.id) is open already")
            }
            guard !request.prompt.isEmpty else {
                throw EngineError(.badRequest, "the prompt is empty: it needs one token at least")
            }
            guard request.prompt.count < window.configuration.contextLength else {
                throw EngineError(
                    .contextFull,
                    "the prompt has \(request.prompt.count) tokens, the window's context \(window.configuration.contextLength)"
                )
            }
            guard request.adapters.isEmpty else {
                throw EngineError(.unsupported, "the session wants adapters, and this engine has none")
            }
            let session = ComputedSession(request: request, outputs: outputs)
            if window.isFirst, let vocabulary = window.vocabulary,
                let wrong = request.prompt.first(where: { $0 < 0 || Int($0) >= vocabulary.tokenCount })
            {
                throw EngineError(
                    .badRequest, "the prompt has token \(wrong), the vocabulary ends at \(vocabulary.tokenCount - 1)")
            }
            if window.isLast {
                guard let vocabulary = window.vocabulary else {
                    throw EngineError(.unsupported, "the last window has no vocabulary")
                }
                let sampler = try watched(request, outputs) {
                    let sampler = try TokenSampler(
                        request.sampler, vocabulary: vocabulary, contextLength: window.configuration.contextLength)
                    try sampler.begin(prompt: request.prompt, producedCount: request.producedTokens)
                    return sampler
                }
                session.sampler = sampler
            }
            if request.cachePrompt, !request.promptLogProbabilities, !window.weights.isRecurrent,
                let prefix = sequences.pinLongestPrefix(of: request.prompt, adapters: request.adapters)
            {
                // The last token is always computed: its output is what the first sampled token comes from.
                session.pinned = (prefix.sequence, min(prefix.length, request.prompt.count - 1))
            }
            sessions[request.id] = session
            order.append(request.id)
            outputs.event(.opened(reusableTokens: session.pinned?.length ?? 0))
        } catch {
            outputs.event(.failed(error as? EngineError ?? EngineError(.badRequest, "\(error)")))
        }
    }

    /// Does what a session's grammar may make long. Without a grammar there is nothing to watch.
    func watched<Result>(
        _ request: SessionRequest, _ outputs: SessionOutputs, _ body: () throws -> Result
    ) rethrows -> Result {
        guard !request.sampler.grammar.isEmpty else { return try body() }
        return try window.step(.grammar, session: request.id, fail: { outputs.event(.failed($0)) }, body)
    }

    private func start(_ id: SessionID, reusedTokens: Int) {
        guard let session = sessions[id], let context, session.sequence == nil else { return }
        guard (0...(session.pinned?.length ?? 0)).contains(reusedTokens) else {
            fail(id, EngineError(.badRequest, "session \(id) cannot reuse \(reusedTokens) tokens"))
            return
        }
        if !session.request.cachePrompt, !sessions.values.contains(where: { $0.sequence != nil }) {
            // The same cells for the same prompt, whatever ran before: that is what makes results repeatable.
            while let kept = sequences.evict() { forget(kept) }
            context.clearAllCells()
            promptContext?.clearAllCells()
        }
        if let early = session.pendingStates.first, early.position != reusedTokens {
            failMisfit(early)
            return
        }
        let cells = session.request.prompt.count - reusedTokens
        guard let ended = cellShares.sessionsToEnd(for: session.request.caller, needing: cells) else {
            fail(id, .cacheFull(window))
            return
        }
        for other in ended { fail(other, .cacheFull(window)) }
        guard let (sequence, evicted) = sequences.take() else {
            fail(id, EngineError(.busy, "all \(window.configuration.maximumSequences) places for sessions are taken"))
            return
        }
        if evicted { context.clearCells(of: sequence) }
        session.sequence = sequence
        if let pinned = session.pinned {
            if reusedTokens > 0 { context.shareCells(of: pinned.sequence, with: sequence, count: reusedTokens) }
            sequences.unpin(pinned.sequence)
            session.pinned = nil
        }
        usedCells[sequence] = 0
        session.start(reusedTokens: reusedTokens, isFirst: window.isFirst)
        session.isInPromptContext = beginsInPromptContext(session, sequence, reusedTokens: reusedTokens)
    }

    private func beginsInPromptContext(
        _ session: ComputedSession, _ sequence: Int32, reusedTokens: Int
    ) -> Bool {
        guard let context, let promptContext else { return false }
        let taken = sessions.values.filter(\.isInPromptContext).reduce(0) { $0 + $1.request.prompt.count }
        guard session.request.prompt.count - reusedTokens >= Self.shortestMovedPrompt,
            taken + session.request.prompt.count <= promptContext.contextLength
        else { return false }
        return reusedTokens == 0 || context.copyCells(of: sequence, to: promptContext, buffer: &movingBuffer)
    }

    /// Takes a finished prompt's cells to the context that decodes.
    func leavePromptContext(_ session: ComputedSession) -> Bool {
        guard let context, let promptContext, let sequence = session.sequence else { return false }
        while !hasRoom(for: session.position), makeRoom(for: session) {}
        var isMoved = promptContext.copyCells(of: sequence, to: context, buffer: &movingBuffer)
        while !isMoved, makeRoom(for: session) {
            isMoved = promptContext.copyCells(of: sequence, to: context, buffer: &movingBuffer)
        }
        promptContext.clearCells(of: sequence)
        session.isInPromptContext = false
        // What it shared with a kept prefix it has for itself now.
        usedCells[sequence] = session.position
        return isMoved
    }

    /// Frees cells of a kept prefix or, where none is kept, of whoever has to give way to a session.
    ///
    /// - Returns: Whether it did: not where that is the session itself.
    private func makeRoom(for session: ComputedSession) -> Bool {
        if let kept = sequences.evict() {
            forget(kept)
            return true
        }
        guard let next = cellShares.nextToEnd, next != session.request.id else { return false }
        fail(next, .cacheFull(window))
        return true
    }

    /// Whether the cells that sessions and kept prefixes have been reckoned to fill leave so many free. The library has the last word.
    func hasRoom(for rows: Int) -> Bool {
        let elsewhere = Set(sessions.values.filter(\.isInPromptContext).compactMap(\.sequence))
        let used = usedCells.reduce(0) { $0 + (elsewhere.contains($1.key) ? 0 : $1.value) }
        return used + rows <= window.configuration.contextLength
    }

    /// What the sessions that have begun hold. Prefixes that are only kept go whenever cells are needed.
    var cellShares: CellShares {
        CellShares(
            capacity: window.configuration.contextLength,
            holdings: sessions.values.compactMap { session in
                session.sequence.map { sequence in
                    CellShares.Holding(
                        session: session.request.id, caller: session.request.caller, openedAt: session.openedAt,
                        cells: usedCells[sequence, default: 0] + max(0, session.request.prompt.count - session.position)
                    )
                }
            })
    }

    /// States may come before `start`, which takes another way; they wait for it.
    private func take(_ states: HiddenStates) {
        guard let session = sessions[states.session], let context else { return }
        let expected = states.tokens.count * context.embeddingLength * MemoryLayout<Float>.stride
        guard !window.isFirst, !states.tokens.isEmpty, states.tokens.count <= context.chunkLength,
            states.data.count == expected, states.position == session.expectedPosition ?? states.position
        else {
            failMisfit(states)
            return
        }
        session.pendingStates.append(states)
        session.expectedPosition = states.position + states.tokens.count
    }

    private func failMisfit(_ states: HiddenStates) {
        fail(
            states.session,
            EngineError(
                .computeFailed,
                "hidden states of \(states.tokens.count) tokens at \(states.position) do not fit session \(states.session)"
            ))
    }

    private func take(_ next: NextToken) {
        guard let session = sessions[next.session] else { return }
        guard window.isFirst, session.sequence != nil, next.position == session.position, session.pendingTokens.isEmpty,
            next.token >= 0
        else {
            fail(
                next.session, EngineError(.badRequest, "token at \(next.position) does not fit session \(next.session)")
            )
            return
        }
        session.pendingTokens = [next.token]
    }

    func close(_ id: SessionID) {
        guard let session = sessions.removeValue(forKey: id) else { return }
        order.removeAll { $0 == id }
        if let pinned = session.pinned { sequences.unpin(pinned.sequence) }
        guard let sequence = session.sequence else { return }
        if session.isInPromptContext {
            promptContext?.clearCells(of: sequence)
            forget(sequence)
        } else if session.request.cachePrompt, !window.weights.isRecurrent {
            let needless = sequences.keep(sequence, tokens: session.history, adapters: session.request.adapters)
            for sequence in needless { forget(sequence) }
        } else {
            forget(sequence)
        }
    }

    func forget(_ sequence: Int32) {
        context?.clearCells(of: sequence)
        usedCells[sequence] = nil
        sequences.release(sequence)
    }

    func fail(_ id: SessionID, _ error: EngineError) {
        guard let session = sessions[id] else { return }
        close(id)
        session.outputs.event(.failed(error))
    }

    private func embed(_ inputs: [[Int32]], _ reply: (Result<[[Float]], any Error>) -> Void) {
        guard let context, window.isFirst, window.isLast else {
            reply(.failure(EngineError(.unsupported, "embeddings need a window of all layers")))
            return
        }
        let result = window.step(.embedding) {
            Result { try context.embed(inputs, threads: window.configuration.threads) }
        }
        reply(result)
    }

    private func unload() {
        for id in order {
            fail(id, EngineError(.windowUnloaded, "the window \(window.layers) was unloaded"))
        }
        context = nil
        promptContext = nil
    }

    func publishCounts() {
        let active = sessions.count
        let kept = sequences.kept.count
        let cells = usedCells.values.reduce(0, +)
        window.publish {
            $0.activeSessions = active
            $0.keptPrefixes = kept
            $0.usedCells = cells
        }
    }
}

extension EngineError {
    static func cacheFull(_ window: Window) -> EngineError {
        EngineError(
            .contextFull,
            "the cache of \(window.configuration.contextLength) tokens is full: fewer or shorter sessions fit")
    }
}
