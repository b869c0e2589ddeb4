import GGUF
import GRPCCore
import Generation
import Identifiers
import Link
import SwiftProtobuf
import Synchronization

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// One try of a session: a stream to each segment, from `open` to the last token or the first failure.
///
/// What the last segment sends is handled where it arrives, in the loop over its gRPC stream: no task or actor stands
/// between a token and the consumer.
final class SessionAttempt: Sendable {
    enum Outcome: Sendable {
        case finished(Shoal_V1_SessionFinished.Reason)
        /// A stop text was produced.
        case stopped
        case failed(SegmentFailure)
    }

    private struct Opening {
        var reusable: [UInt32?]
        var hasStarted = false
    }

    private struct State {
        var outcome: Outcome?
        var hasLeft = false
        /// A segment is gone: there is nothing to wait for.
        var hasLost = false
    }

    /// How often silence is looked for.
    private static let tick: Duration = .milliseconds(250)

    private let segments: [ReadySegment]
    private let input: SessionInput
    private let prompt: [Int32]
    private let produced: Int
    private let silenceLimit: Duration
    private let answer: Mutex<Answer>
    private let emit: @Sendable (GenerationEvent) -> Void
    private let onStart: @Sendable (_ reusedTokens: Int) -> Void
    private let opening: Mutex<Opening>
    private let commands:
        [(
            stream: AsyncStream<Shoal_V1_SessionCommand>,
            continuation: AsyncStream<Shoal_V1_SessionCommand>.Continuation
        )]
    private let silences: [Silence]
    private let sessionID: Data
    private let state = Mutex(State())
    /// Ends when the streams are to be left.
    private let leaving = AsyncStream<Never>.makeStream()

    /// - Parameters:
    ///   - segments: In the order of their layers.
    ///   - answer: The answer so far; the attempt adds to it.
    ///   - onStart: Called once every segment has opened, before the first token.
    init(
        segments: [ReadySegment], input: SessionInput, answer: Answer, silenceLimit: Duration,
        emit: @escaping @Sendable (GenerationEvent) -> Void, onStart: @escaping @Sendable (_ reusedTokens: Int) -> Void
    ) {
        self.segments = segments
        self.input = input
        var answer = answer
        answer.restart()
        prompt = input.prompt + answer.produced
        produced = answer.produced.count
        self.answer = Mutex(answer)
        self.silenceLimit = silenceLimit
        self.emit = emit
        self.onStart = onStart
        opening = Mutex(Opening(reusable: Array(repeating: nil, count: segments.count)))
        commands = segments.map { _ in AsyncStream.makeStream() }
        silences = segments.map { _ in Silence() }
        var generator = SystemRandomNumberGenerator()
        sessionID = Data((0..<16).map { _ in UInt8.random(in: .min ... .max, using: &generator) })
    }

    /// The answer with what this try added.
    var result: Answer { answer.withLock { $0 } }

    /// What ends in the group of a try.
    private enum Ending {
        case stream, watch, patience
    }

    /// How long segments may take to free a session that has ended.
    private static let patience: Duration = .milliseconds(500)

    /// Runs the session to its end in this try. All streams have ended when it returns.
    ///
    /// After a good end every segment has freed the session: the next one finds its cells free, on whichever node, which
    /// is what makes one session after the other repeatable. Streams are left, not reset, also when the task is cancelled: a
    /// server closes a connection on which too many streams are reset (NIOHTTP2: 200 in 30 seconds), and with it those of others.
    func run() async -> Outcome {
        // Every token passes here: one thread less to wake.
        let streams = Task(executorPreference: LinkLoop.shared) { await self.runStreams() }
        return await withTaskCancellationHandler {
            await streams.value
        } onCancel: {
            leave()
        }
    }

    private func runStreams() async -> Outcome {
        await withTaskGroup(of: Ending.self) { group in
            for index in segments.indices {
                group.addTask {
                    if let outcome = await self.follow(index) { self.end(with: outcome) }
                    return .stream
                }
            }
            group.addTask {
                if let outcome = await self.watch() { self.end(with: outcome) }
                return .watch
            }
            group.addTask {
                for await _ in self.leaving.stream {}
                if !self.state.withLock(\.hasLost) { try? await Task.sleep(for: Self.patience) }
                return .patience
            }
            var streams = segments.count
            waiting: while streams > 0, let ended = await group.next() {
                switch ended {
                case .stream: streams -= 1
                case .watch: continue
                case .patience: break waiting
                }
            }
            leave()
            group.cancelAll()
        }
        return state.withLock(\.outcome)
            ?? .failed(failure(0, .lost(isProven: false), "the session ended without an answer"))
    }

    /// Takes note of how the session ended, if it is the first to say so, and leaves all streams.
    private func end(with outcome: Outcome) {
        state.withLock { state in
            guard state.outcome == nil, !state.hasLeft else { return }
            state.outcome = outcome
            if case .failed(let failure) = outcome, case .lost = failure.kind { state.hasLost = true }
        }
        leave()
    }

    /// Tells all segments that nobody wants more of them. They end their streams then.
    private func leave() {
        state.withLock { $0.hasLeft = true }
        for command in commands {
            command.continuation.yield(.with { $0.cancel = .init() })
            command.continuation.finish()
        }
        leaving.continuation.finish()
    }

    private var hasLeft: Bool { state.withLock(\.hasLeft) }

    // MARK: - One stream

    private func follow(_ index: Int) async -> Outcome? {
        do {
            return try await segments[index].channel.segment.runSession { [self] writer in
                try await writer.write(.with { $0.open = opening(of: index) })
                for await command in commands[index].stream { try await writer.write(command) }
            } onResponse: { [self] response in
                let isLast = index == segments.count - 1
                // To the stream's end, even when what comes is of no more use.
                for try await event in response.messages where !hasLeft {
                    silences[index].end()
                    if let outcome = handle(event, from: index, isLast: isLast) { end(with: outcome) }
                }
                return hasLeft
                    ? nil
                    : .failed(
                        failure(index, .lost(isProven: false), "its stream ended too early", hasBrokenStream: true))
            }
        } catch {
            guard !hasLeft else { return nil }
            let reason = (error as? RPCError).map { "\($0.code): \($0.message)" } ?? "\(error)"
            return .failed(
                failure(index, .lost(isProven: false), "its stream broke (\(reason))", hasBrokenStream: true))
        }
    }

    private func opening(of index: Int) -> Shoal_V1_OpenSession {
        let isLast = index == segments.count - 1
        return .with {
            $0.sessionID = sessionID
            $0.layers = .init(segments[index].segment.layers)
            $0.layerCount = UInt32(segments[segments.count - 1].segment.layers.end)
            $0.prompt = prompt
            $0.cachePrompt = input.cachePrompt
            $0.adapters = input.adapters.uses.map { Shoal_V1_AdapterUse($0) }
            $0.producedTokens = UInt32(produced)
            $0.maximumTokens = UInt32(max(0, input.maximumTokens - produced))
            $0.ignoreEndOfGeneration = input.ignoreEndOfGeneration
            $0.promptLogProbabilities = answer.withLock(\.wantsPromptLogProbabilities)
            $0.caller = input.caller
            if isLast {
                $0.sampling = input.sampling
                if index > 0 { $0.first = endpoint(of: 0, from: index) }
            } else {
                $0.next = endpoint(of: index + 1, from: index)
            }
        }
    }

    /// Where the engine of one segment reaches that of another: without addresses within one process.
    private func endpoint(of target: Int, from origin: Int) -> Shoal_V1_Endpoint {
        var endpoint = segments[target].endpoint
        if segments[target].segment.node == segments[origin].segment.node { endpoint.addresses = [] }
        return endpoint
    }

    // MARK: - Events

    private func handle(_ event: Shoal_V1_SessionEvent, from index: Int, isLast: Bool) -> Outcome? {
        switch event.event {
        case .token(let token):
            guard isLast else { return .failed(nonsense(index, "tokens came from a segment that is not the last")) }
            let (events, verdict) = answer.withLock { $0.take(token, now: .now) }
            for event in events { emit(event) }
            return outcome(verdict, index)
        case .heartbeat, nil:
            return nil
        case .prompt(let progress):
            guard isLast else { return nil }
            return outcome(answer.withLock { $0.take(progress) }, index)
        case .opened(let opened):
            return self.opened(index, reusable: opened.reusableTokens)
        case .finished(let finished):
            return isLast ? .finished(finished.reason) : nil
        case .failure(let message):
            return .failed(failure(index, message))
        }
    }

    private func outcome(_ verdict: Answer.Verdict, _ index: Int) -> Outcome? {
        switch verdict {
        case .goOn: nil
        case .stopped: .stopped
        case .nonsense(let what): .failed(nonsense(index, what))
        }
    }

    private func opened(_ index: Int, reusable: UInt32) -> Outcome? {
        enum Step { case wait, start(UInt32), twice }
        let step: Step = opening.withLock { opening in
            guard opening.reusable[index] == nil else { return .twice }
            opening.reusable[index] = reusable
            let answers = opening.reusable.compactMap { $0 }
            guard answers.count == segments.count, !opening.hasStarted else { return .wait }
            opening.hasStarted = true
            return .start(answers.min() ?? 0)
        }
        switch step {
        case .wait: return nil
        case .twice: return .failed(nonsense(index, "it opened one session twice"))
        case .start(let reused):
            let wantsAll = answer.withLock(\.wantsPromptLogProbabilities)
            let reused = wantsAll || !input.cachePrompt ? 0 : min(reused, UInt32(prompt.count))
            onStart(Int(reused))
            for command in commands {
                command.continuation.yield(.with { $0.start = .with { $0.reusedTokens = reused } })
            }
            return nil
        }
    }

    // MARK: - Failures

    private func nonsense(_ index: Int, _ what: String) -> SegmentFailure {
        failure(index, .lost(isProven: false), "it does not keep to the protocol: \(what)")
    }

    private func failure(
        _ index: Int, _ kind: SegmentFailure.Kind, _ message: String, hasBrokenStream: Bool = false
    ) -> SegmentFailure {
        let segment = segments[index].segment
        return SegmentFailure(
            kind, node: segment.node,
            message: "segment \(segment.layers) on node \(segment.node.short) failed: \(message)",
            hasBrokenStream: hasBrokenStream)
    }

    private func failure(_ index: Int, _ message: Shoal_V1_SessionFailure) -> SegmentFailure {
        // A segment may name another one as the cause, but only one of this session.
        let named = NodeID(bytes: message.nodeID)
        let culprit = segments.indices.first { segments[$0].segment.node == named } ?? index
        let kind: SegmentFailure.Kind =
            switch message.code {
            case .failureWindowNotLoaded, .failureWindowUnloaded: .windowGone
            case .failureContextFull: .contextFull
            case .failureBusy: .busy
            case .failureBadGrammar, .failureBadRequest: .refused(.badRequest)
            default: .lost(isProven: false)
            }
        if case .refused = kind {
            return SegmentFailure(kind, node: segments[culprit].segment.node, message: message.message)
        }
        return failure(culprit, kind, message.message)
    }

    // MARK: - Silence

    /// Ends the try when a segment has been silent for too long. From two thirds of the time on, silent engines are
    /// asked for a sign of life, so that the verdict is there when the time is up.
    private func watch() async -> Outcome? {
        let limit = max(1, Int(silenceLimit / Self.tick))
        let probing = limit * 2 / 3
        var probes: [Int: Task<Bool, Never>] = [:]
        defer { for probe in probes.values { probe.cancel() } }
        while !Task.isCancelled, !hasLeft {
            let begin = ContinuousClock.now
            guard (try? await Task.sleep(for: Self.tick)) != nil else { return nil }
            // Where this process itself was stopped or starved, nobody else was silent.
            guard begin.duration(to: .now) < Self.tick * 5 else { continue }
            for (index, silence) in silences.enumerated() {
                let ticks = silence.grow()
                if ticks < probing {
                    probes.removeValue(forKey: index)?.cancel()
                } else if probes[index] == nil {
                    let channel = segments[index].channel
                    let patience = Self.tick * (limit - probing)
                    probes[index] = Task { await channel.answersPing(within: patience) }
                }
            }
            let silent = silences.indices.filter { silences[$0].ticks >= limit }
            guard !silent.isEmpty else { continue }
            // A segment that waits for the next one is silent too: who does not answer is to blame.
            for index in silences.indices where silences[index].ticks >= probing {
                if let probe = probes[index], await !probe.value {
                    return .failed(failure(index, .lost(isProven: true), "it has been silent for \(silenceLimit)"))
                }
            }
            return .failed(failure(silent[0], .lost(isProven: false), "it has been silent for \(silenceLimit)"))
        }
        return nil
    }
}

extension LinkChannel {
    /// Whether the engine at the other end answers.
    func answersPing(within timeout: Duration) async -> Bool {
        let answered = try? await segment.exchange(options: .within(timeout)) { writer in
            try await writer.write(.with { $0.ping = .with { $0.nonce = 1 } })
        } onResponse: { response in
            for try await frame in response.messages {
                if case .ping = frame.frame { return true }
            }
            return false
        }
        return answered ?? false
    }
}
