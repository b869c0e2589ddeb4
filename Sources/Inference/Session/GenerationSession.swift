import GGUF
package import Generation
import Identifiers
import Link
package import Logging

/// Runs one generation from its plan to its last token, over as many tries as it takes.
///
/// When a segment is lost the session is planned again without it, the prompt and what was produced so far are prefilled
/// in the new segments, and the answer goes on where it was.
package struct GenerationSession: Sendable {
    /// How a generation ended.
    package struct Ending: Sendable {
        package var result: GenerationResult
        package var reroutes: Int
        /// At least one segment was on another node.
        package var isForwarded: Bool
    }

    private let input: SessionInput
    private let source: any SegmentSource
    private let planner: Planner
    private let settings: InferenceSettings
    private let logger: Logger
    private let emit: @Sendable (GenerationEvent) -> Void

    /// - Parameter emit: Takes the events in order, from one thread at a time.
    package init(
        _ input: SessionInput, source: any SegmentSource, planner: Planner = Planner(), settings: InferenceSettings,
        logger: Logger, emit: @escaping @Sendable (GenerationEvent) -> Void
    ) {
        self.input = input
        self.source = source
        self.planner = planner
        self.settings = settings
        self.logger = logger
        self.emit = emit
    }

    /// What the tries so far have shown.
    private struct Progress {
        var answer: Answer
        /// Nodes that are left out, and whether they may serve again where nobody else can.
        var excluded: [NodeID: Bool] = [:]
        var losses: [NodeID: Int] = [:]
        var reroutes = 0
        var isForwarded = false
        var rerouteReason: String?
        var busySince: ContinuousClock.Instant?
        var route: [RouteSegment] = []
        /// What a node said that cannot run its segment.
        var inability: InferenceError?
        var blame: EngineBlame
        /// The nodes that the next try is made on, and no others.
        var confinedTo: Set<NodeID>?
    }

    /// Runs to the end. Everything is freed everywhere when it returns or throws; cancelling the task ends it at once.
    ///
    /// - Throws: `InferenceError`, or `CancellationError`.
    package func run() async throws -> Ending {
        let begin = ContinuousClock.now
        let start = StartLatch()
        var progress = Progress(answer: Answer(input), blame: EngineBlame(input))
        while true {
            try Task.checkCancellation()
            let plan = try await plan(&progress)
            let isLocal = plan.segments.allSatisfy(\.isLocal)
            progress.isForwarded = progress.isForwarded || !isLocal
            progress.route = plan.segments.map(\.routed)
            let ready: [ReadySegment]
            do {
                ready = try await prepare(plan.segments.map(\.segment))
            } catch let failure as SegmentFailure {
                try await take(failure, plan: plan, &progress)
                continue
            }
            let route = progress.route
            let reason = progress.rerouteReason
            progress.rerouteReason = nil
            let attempt = SessionAttempt(
                segments: ready, input: input, answer: progress.answer, silenceLimit: settings.silenceLimit, emit: emit
            ) { [input, emit] reused in
                if start.isFirst(reused: reused) {
                    emit(
                        .started(
                            GenerationStart(
                                requestID: input.requestID, model: input.model, route: route,
                                promptTokens: input.prompt.count, cachedTokens: reused)))
                } else if let reason {
                    emit(.rerouted(reason: reason, route: route))
                }
            }
            let outcome = await attempt.run()
            // Whoever had room for a token begins to wait anew.
            if attempt.result.produced.count > progress.answer.produced.count { progress.busySince = nil }
            progress.answer = attempt.result
            try Task.checkCancellation()
            switch outcome {
            case .finished(.cancelled):
                let failure = SegmentFailure(
                    .lost(isProven: false), node: plan.segments[plan.segments.count - 1].segment.node,
                    message: "the last segment ended the session by itself")
                try await take(failure, plan: plan, &progress)
            case .finished(let reason):
                return end(&progress, reason == .stop ? .stop : .length, begin: begin, cached: start.reused)
            case .stopped:
                return end(&progress, .stop, begin: begin, cached: start.reused)
            case .failed(let failure):
                if case .contextFull = failure.kind, isAtContextEnd(progress.answer) {
                    return end(&progress, .length, begin: begin, cached: start.reused)
                }
                try await take(failure, plan: plan, &progress)
            }
        }
    }

    // MARK: - Planning

    private struct LocatedPlan {
        struct Segment {
            let segment: Plan.Segment
            let isLocal: Bool

            var routed: RouteSegment {
                RouteSegment(node: segment.node, nickname: segment.nickname, layers: segment.layers, isLocal: isLocal)
            }
        }

        let segments: [Segment]
    }

    private func plan(_ progress: inout Progress) async throws -> LocatedPlan {
        var snapshot = try await source.snapshot(excluding: Set(progress.excluded.keys))
        if let nodes = progress.confinedTo { snapshot.holders.removeAll { !nodes.contains($0.node) } }
        let plan: Plan
        do {
            plan = try planner.plan(snapshot)
        } catch {
            if progress.confinedTo != nil {
                // They can no more: what happened to them is their own.
                progress.confinedTo = nil
                return try await self.plan(&progress)
            }
            // Nobody else can: those that failed but are there get another chance.
            let back = progress.excluded.filter(\.value).map(\.key)
            guard !back.isEmpty else {
                let refusal = error.error(
                    model: input.model, layerCount: snapshot.layerCount, excluded: progress.excluded.count)
                if let inability = progress.inability { throw inability }
                guard progress.reroutes > 0 else { throw refusal }
                throw InferenceError(
                    .segmentLost,
                    "\(progress.rerouteReason ?? "a segment was lost"), and nobody can take over: \(refusal.message)",
                    hint: refusal.hint)
            }
            for node in back { progress.excluded[node] = nil }
            return try await self.plan(&progress)
        }
        return LocatedPlan(
            segments: plan.segments.map { .init(segment: $0, isLocal: $0.node == snapshot.coordinator) })
    }

    /// Prepares all segments at once; the first failure ends it.
    private func prepare(_ segments: [Plan.Segment]) async throws -> [ReadySegment] {
        if segments.count == 1 { return [try await source.prepare(segments[0])] }
        return try await withThrowingTaskGroup(of: (Int, ReadySegment).self) { group in
            for (index, segment) in segments.enumerated() {
                group.addTask { (index, try await source.prepare(segment)) }
            }
            var ready: [Int: ReadySegment] = [:]
            for try await (index, segment) in group { ready[index] = segment }
            return segments.indices.compactMap { ready[$0] }
        }
    }

    // MARK: - Failures

    /// How soon a session asks again for room.
    private static let busyPause: Duration = .milliseconds(100)

    /// Takes a failure in: returns when another try makes sense, throws otherwise.
    private func take(_ failure: SegmentFailure, plan: LocatedPlan, _ progress: inout Progress) async throws {
        // Whoever waits for room asks again and again.
        logger.log(
            level: progress.busySince == nil ? .info : .debug, "a session cannot go on as planned",
            metadata: ["model": "\(input.model)", "request": "\(input.requestID)", "why": "\(failure.message)"])
        switch failure.kind {
        case .refused(let code):
            throw InferenceError(code, failure.message)
        case .busy, .contextFull:
            let since = progress.busySince ?? .now
            progress.busySince = since
            guard since.duration(to: .now) < settings.busyLimit else {
                throw InferenceError(
                    .noCapacity, "model \(input.model) is busy: \(failure.message)",
                    hint: "try again later, or raise the number of sequences or cache cells")
            }
            try await Task.sleep(for: Self.busyPause)
            return
        case .windowGone:
            progress.reroutes += 1
        case .unable(let error):
            progress.reroutes += 1
            progress.inability = error
            progress.excluded[failure.node] = false
        case .lost(let isProven):
            progress.busySince = nil
            progress.reroutes += 1
            progress.losses[failure.node, default: 0] += 1
            let segment = plan.segments.first { $0.segment.node == failure.node } ?? plan.segments[0]
            let isThere = await source.investigate(segment.segment, isProven: isProven)
            progress.confinedTo = nil
            if failure.hasBrokenStream, try !goesOnElsewhere(failure, nodeIsThere: isThere, plan, &progress) { break }
            // This node's own engine is started again; others are left out while somebody else can take over.
            let mayReturn = isThere && progress.losses[failure.node, default: 0] < 3
            if !segment.isLocal || !mayReturn { progress.excluded[failure.node] = mayReturn }
        }
        progress.rerouteReason = failure.message
        guard progress.reroutes <= settings.maximumReroutes else {
            throw InferenceError(
                .segmentLost,
                "model \(input.model) lost segments \(progress.reroutes) times in one answer; the last: \(failure.message)",
                hint: "the nodes' logs say why their engines fail")
        }
    }

    /// Whether a session whose stream broke may go on on other nodes; otherwise it is confined to those that it was on.
    private func goesOnElsewhere(
        _ failure: SegmentFailure, nodeIsThere: Bool, _ plan: LocatedPlan, _ progress: inout Progress
    ) throws -> Bool {
        switch progress.blame.streamBroke(nodeIsThere: nodeIsThere) {
        case .goOn: return true
        case .sameNodes:
            progress.confinedTo = Set(plan.segments.map(\.segment.node))
            return false
        case .giveUp:
            logger.error(
                "a request ended its engine again and is given up",
                metadata: ["model": "\(input.model)", "request": "\(input.requestID)", "why": "\(failure.message)"])
            throw InferenceError(
                .requestEndedEngine,
                "this request ended the engine of model \(input.model) \(progress.blame.ends) times; the last: \(failure.message)",
                hint: "leave the grammar or schema out, or make it simpler; the node's log says why the engines ended")
        }
    }

    private func isAtContextEnd(_ answer: Answer) -> Bool {
        input.prompt.count + answer.produced.count >= input.contextLength
    }

    // MARK: - The end

    private func end(
        _ progress: inout Progress, _ reason: GenerationResult.FinishReason, begin: ContinuousClock.Instant, cached: Int
    ) -> Ending {
        for event in progress.answer.finish() { emit(event) }
        let now = ContinuousClock.now
        let first = progress.answer.firstToken ?? now
        let result = GenerationResult(
            finishReason: reason,
            usage: TokenUsage(
                promptTokens: input.prompt.count, completionTokens: progress.answer.produced.count, cachedTokens: cached
            ),
            timings: GenerationTimings(
                promptMilliseconds: begin.duration(to: first) / .milliseconds(1),
                decodeMilliseconds: first.duration(to: progress.answer.lastToken ?? first) / .milliseconds(1)),
            route: progress.route)
        emit(.finished(result))
        return Ending(result: result, reroutes: progress.reroutes, isForwarded: progress.isForwarded)
    }
}
