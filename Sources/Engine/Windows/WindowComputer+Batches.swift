internal import Foundation
internal import GGUF
internal import Generation
internal import Identifiers

/// Batches: what is computed together, and what becomes of the results.
extension WindowComputer {
    /// How much of a prompt is computed at once while other sessions decode, so that they keep flowing.
    private static let mixedChunkLength = 128

    /// Rows of one session in a batch.
    private struct Share {
        let session: ComputedSession
        let rows: Range<Int>
        let position: Int
        let tokens: [Int32]
        let states: HiddenStates?
    }

    func computeOnce(_ context: WindowContext, isForPrompts: Bool) {
        let shares = fillBatch(context, isForPrompts: isForPrompts)
        guard !shares.isEmpty else { return }
        let began = ContinuousClock.now
        let only = shares.count == 1 ? shares.first?.session : nil
        let outcome = window.step(.layers(rows: context.batchedRows), session: only?.request.id) {
            var outcome = compute(context, isForPrompts: isForPrompts)
            while case .full = outcome, let kept = sequences.evict() {
                forget(kept)
                outcome = compute(context, isForPrompts: isForPrompts)
            }
            return outcome
        }
        switch outcome {
        case .done:
            let rows = shares.reduce(0) { $0 + $1.rows.count }
            measure(rows: rows, duration: .now - began)
            for share in shares { handOn(share, context) }
        case .full:
            // One gives way; the others are computed in the next round.
            for share in shares { share.session.returnInput(share.tokens, share.states) }
            if let next = cellShares.nextToEnd, let session = sessions[next] { giveUp(session) }
        case .failed(let status):
            for share in shares {
                fail(
                    share.session.request.id,
                    EngineError(.computeFailed, "libllama could not compute \(window.layers) (status \(status))"))
            }
        }
        publishCounts()
    }

    private func compute(_ context: WindowContext, isForPrompts: Bool) -> WindowContext.Outcome {
        // The library says so itself, but in its log too.
        guard isForPrompts || hasRoom(for: context.batchedRows) else { return .full }
        return context.compute(tokens: window.isFirst)
    }

    private func giveUp(_ session: ComputedSession) {
        let id = session.request.id
        if sessions.count == 1, window.isLast, session.producedCount > 0 {
            finish(session, .contextFull)
        } else {
            fail(id, .cacheFull(window))
        }
    }

    /// Puts in what decodes first, one row per session, then prompts in the order in which they came.
    private func fillBatch(_ context: WindowContext, isForPrompts: Bool) -> [Share] {
        context.beginBatch()
        var shares: [Share] = []
        var rowCount = 0
        let ready = order.compactMap { sessions[$0] }.filter { $0.hasInput && $0.isInPromptContext == isForPrompts }
        let decoding = ready.filter { $0.inputLength == 1 && !$0.isPrompt }
        let prompting = ready.filter { !($0.inputLength == 1 && !$0.isPrompt) }
        for session in decoding where rowCount < context.chunkLength {
            shares.append(add(session, count: 1, at: &rowCount, context))
        }
        let othersDecode = sessions.values.contains { $0.isDecoding }
        let limit = othersDecode ? min(Self.mixedChunkLength, context.chunkLength) : context.chunkLength
        for session in prompting {
            let room = min(limit, context.chunkLength - rowCount)
            let count = window.isFirst ? min(room, session.inputLength) : session.inputLength
            guard count > 0, rowCount + count <= context.chunkLength else { break }
            shares.append(add(session, count: count, at: &rowCount, context))
        }
        return shares
    }

    private func add(
        _ session: ComputedSession, count: Int, at rowCount: inout Int, _ context: WindowContext
    ) -> Share {
        let position = session.position
        let first = rowCount
        let sequence = session.sequence ?? 0
        let (tokens, states) = session.takeInput(count: count)
        func wantsOutput(_ index: Int) -> Bool {
            window.isLast
                && (session.request.promptLogProbabilities || position + index + 1 >= session.request.prompt.count)
        }
        if let states {
            states.data.withUnsafeBytes { bytes in
                let values = bytes.assumingMemoryBound(to: Float.self)
                guard let base = values.baseAddress else { return }
                for index in 0..<count {
                    context.add(
                        .hidden(base + index * context.embeddingLength), position: position + index,
                        sequence: sequence, output: wantsOutput(index))
                }
            }
        } else {
            for (index, token) in tokens.enumerated() {
                context.add(
                    .token(token), position: position + index, sequence: sequence, output: wantsOutput(index))
            }
        }
        rowCount += count
        return Share(session: session, rows: first..<rowCount, position: position, tokens: tokens, states: states)
    }

    private func handOn(_ share: Share, _ context: WindowContext) {
        let session = share.session
        session.history += share.tokens
        if let sequence = session.sequence { usedCells[sequence, default: 0] += share.rows.count }
        let id = session.request.id
        if session.isInPromptContext, !session.isPrompt, !leavePromptContext(session) {
            giveUp(session)
            return
        }
        if !window.isLast {
            session.outputs.hiddenStates(
                HiddenStates(
                    session: id, position: share.position, tokens: share.tokens,
                    data: context.hiddenStates(ofRows: share.rows)))
        }
        if window.isFirst, share.position < session.request.prompt.count, !session.request.promptLogProbabilities {
            session.outputs.event(.prompt(processedTokens: session.history.count, logProbabilities: []))
        }
        guard window.isLast else { return }
        if session.request.promptLogProbabilities, share.position < session.request.prompt.count {
            reportPrompt(share, context)
        }
        if session.history.count >= session.request.prompt.count { sample(share, context) }
    }

    private func reportPrompt(_ share: Share, _ context: WindowContext) {
        let session = share.session
        let wanted = session.request.sampler.topLogProbabilities ?? 0
        var tokens: [PromptToken] = []
        if share.position == 0, let first = share.tokens.first {
            tokens.append(PromptToken(token: first, logProbability: nil, top: []))
        }
        for (index, row) in share.rows.enumerated() {
            let next = share.position + index + 1
            guard next < session.request.prompt.count, let logits = context.logits(ofRow: row) else { break }
            let token = session.request.prompt[next]
            let distribution = LogProbabilities(logits, vocabularySize: context.vocabularySize, wanted: wanted)
            tokens.append(
                PromptToken(
                    token: token, logProbability: distribution.logProbability(of: token, in: logits),
                    top: distribution.top))
        }
        session.outputs.event(.prompt(processedTokens: session.history.count, logProbabilities: tokens))
    }

    private func sample(_ share: Share, _ context: WindowContext) {
        let session = share.session
        guard let sampler = session.sampler, let vocabulary = window.vocabulary,
            let logits = context.logits(ofRow: share.rows.upperBound - 1)
        else {
            fail(session.request.id, EngineError(.computeFailed, "the window gave no logits"))
            return
        }
        guard session.request.maximumTokens > 0 else {
            session.noteToken()
            finish(session, .maximumTokens)
            return
        }
        let chosen: SampledToken?
        do {
            chosen = try watched(session.request, session.outputs) { try sampler.sample(logits) }
        } catch {
            fail(session.request.id, error as? EngineError ?? EngineError(.computeFailed, "\(error)"))
            return
        }
        session.noteToken()
        guard let sampled = chosen else {
            // What the grammar describes is complete, and no token ends it.
            finish(session, .endOfGeneration)
            return
        }
        session.producedCount += 1
        let ends =
            !session.request.sampler.ignoresEndOfGeneration && vocabulary.isEndOfGeneration(sampled.token)
        let reason: SessionSummary.Reason? =
            if ends {
                .endOfGeneration
            } else if session.producedCount >= session.request.maximumTokens {
                .maximumTokens
            } else if session.history.count + 1 >= window.configuration.contextLength {
                .contextFull
            } else { nil }
        if reason == nil {
            // Before the event: the next token waits for this one, the reader does not.
            if window.isFirst {
                session.pendingTokens = [sampled.token]
            } else {
                session.outputs.nextToken(
                    NextToken(session: session.request.id, position: session.history.count, token: sampled.token))
            }
        }
        session.outputs.event(
            .token(sampled, bytes: vocabulary.bytes(of: sampled.token, special: false), endsGeneration: ends))
        if let reason { finish(session, reason) }
    }

    private func finish(_ session: ComputedSession, _ reason: SessionSummary.Reason) {
        close(session.request.id)
        session.outputs.event(.finished(session.summary(reason)))
    }

    private func measure(rows: Int, duration: Duration) {
        let layerCount = window.layers.count
        window.publish { status in
            if rows == 1 {
                let perLayer = duration / layerCount
                status.decodePerLayer = status.decodePerLayer.map { $0 * 0.9 + perLayer * 0.1 } ?? perLayer
            } else if rows >= 64 {
                let speed = Double(rows) / max(duration / .seconds(1), 1e-9)
                status.promptTokensPerSecond = status.promptTokensPerSecond.map { $0 * 0.7 + speed * 0.3 } ?? speed
            }
        }
    }
}
