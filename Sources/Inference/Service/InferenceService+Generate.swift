import Events
import GRPCCore
package import Generation
import Link
import Logging
import SwiftProtobuf
import Synchronization

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

extension InferenceService {
    /// Starts a generation.
    ///
    /// - Returns: Its events. Ending their iteration frees the session everywhere.
    /// - Throws: `InferenceError` when it cannot start; what happens later is thrown by the stream.
    package func generate(_ request: GenerationRequest) async throws -> GenerationStream {
        let begin = ContinuousClock.now
        recorder.began()
        hooks.requested(request.model)
        do {
            let (input, model, form) = try await input(for: request)
            try await gate.enter(request.share, promptTokens: input.prompt.count)
            return try start(input, model: model, form: form, share: request.share, begin: begin)
        } catch {
            if error is CancellationError { recorder.abandoned() } else { recorder.failed() }
            throw error
        }
    }

    /// Runs the session in a task that ends with the stream. The caller has a place from the gate.
    private func start(
        _ input: SessionInput, model: ServedModel, form: String?, share: Share, begin: ContinuousClock.Instant
    ) throws -> GenerationStream {
        let (stream, continuation) = AsyncThrowingStream.makeStream(of: GenerationEvent.self)
        let answer = AnswerEvents()
        let reading = form.map {
            AnswerReading(model: model, preparer: preparer, form: $0) { continuation.yield($0) }
        }
        let session = GenerationSession(
            input, source: NodeSegments(model: model, shared: shared), settings: settings, logger: logger
        ) { event in
            if reading == nil { continuation.yield(event) } else { answer.add(event) }
        }
        let cancel = tasks.start { [gate, recorder, events] in
            do {
                events.publish(
                    NodeEvent(.inference(.started, model: input.model), "A generation with \(input.model) began."))
                let ending = try await Self.run(session, reading, answer)
                recorder.finished(ending, latency: begin.duration(to: .now))
                events.publish(
                    NodeEvent(
                        .inference(.completed(tokens: ending.result.usage.completionTokens), model: input.model),
                        "A generation with \(input.model) ended."))
                continuation.finish()
            } catch {
                if Task.isCancelled || error is CancellationError {
                    recorder.abandoned()
                    continuation.finish(throwing: InferenceError(.cancelled, "the generation was ended"))
                } else {
                    recorder.failed()
                    if let failure = error as? InferenceError, failure.code == .requestEndedEngine {
                        events.publish(
                            NodeEvent(
                                .inference(.endedEngine, model: input.model), failure.message, toast: .error))
                    }
                    continuation.finish(throwing: error)
                }
            }
            gate.leave(share)
        }
        guard let cancel else {
            gate.leave(share)
            throw InferenceError(.cancelled, "the node is stopping")
        }
        continuation.onTermination = { reason in
            if case .cancelled = reason { cancel() }
        }
        return GenerationStream(stream)
    }

    /// Runs a session beside the reader of its answer; the end of either with an error is the end of both.
    private static func run(
        _ session: GenerationSession, _ reading: AnswerReading?, _ answer: AnswerEvents
    ) async throws -> GenerationSession.Ending {
        guard let reading else { return try await session.run() }
        return try await withThrowingTaskGroup(of: GenerationSession.Ending?.self) { group in
            group.addTask {
                defer { answer.finish() }
                return try await session.run()
            }
            group.addTask {
                try await reading.run(answer)
                return nil
            }
            var ending: GenerationSession.Ending?
            while let result = try await group.next() { ending = ending ?? result }
            guard let ending else { throw CancellationError() }
            return ending
        }
    }

    // MARK: - From request to tokens

    /// A session's input, and the form that its answer is read in; nil where all of it is text.
    private func input(for request: GenerationRequest) async throws -> (SessionInput, ServedModel, form: String?) {
        let model = try await catalogue.model(named: request.model).served
        let context = model.contextLength(settings)
        if case .tokens(let tokens) = request.prompt {
            try Self.checkRoom(for: tokens.count, in: context, parameter: "prompt")
        }
        let prepared = try await preparer.prepare(
            try Shoal_V1_PrepareRequest(request, contextLength: context, nowUnixSeconds: Self.nowUnixSeconds), model,
            for: request.share)
        let description = try await preparer.connection(model).description
        let parameter = if case .chat = request.prompt { "messages" } else { "prompt" }
        try check(prepared.tokens, description, parameter: parameter)
        let room = try Self.checkRoom(for: prepared.tokens.count, in: context, parameter: parameter)
        var input = SessionInput(
            requestID: Self.newRequestID(), model: model.id, prompt: prepared.tokens,
            sampling: Self.sampling(for: request, grammar: prepared.grammar),
            maximumTokens: min(max(0, request.maximumTokens ?? room), room), contextLength: context,
            vocabularySize: Int(description.vocabularySize))
        input.cachePrompt = request.cachePrompt
        input.caller = request.share.opaqueCaller
        input.ignoreEndOfGeneration = request.ignoreEndOfGeneration
        input.stop = request.stop + prepared.stops
        input.markers = prepared.form.isEmpty ? [:] : prepared.markers.mapValues { Array($0.utf8) }
        if request.echo {
            input.echo = .init(text: prepared.text, logProbabilities: request.topLogProbabilities != nil)
        }
        return (input, model, prepared.form.isEmpty ? nil : prepared.form)
    }

    /// The tokens that the context has room for behind a prompt.
    @discardableResult
    private static func checkRoom(for count: Int, in context: Int, parameter: String) throws(InferenceError) -> Int {
        // One more token than the context has can still be asked for its log-probabilities alone.
        guard count < context else {
            throw InferenceError(
                .contextTooLong, "the model's maximum context length is \(context) tokens, and the prompt has \(count)",
                hint: "shorten the prompt, or raise the node's context length", parameter: parameter)
        }
        return context - count
    }

    private static var nowUnixSeconds: Int { Int(Date().timeIntervalSince1970) }

    private static func sampling(for request: GenerationRequest, grammar: Shoal_V1_AnswerGrammar) -> Shoal_V1_Sampling {
        // Chosen here, so that a session that goes on elsewhere goes on with the same numbers.
        let seed = request.sampling.seed ?? UInt32.random(in: .min ... .max)
        var sampling = Shoal_V1_Sampling(request.sampling, seed: seed)
        sampling.grammar = grammar.grammar
        if !grammar.grammar.isEmpty {
            sampling.grammarStart = grammar
            sampling.grammarStart.grammar = ""
        }
        sampling.topLogProbabilities = request.topLogProbabilities.map { Int32(clamping: $0) } ?? -1
        return sampling
    }

    private static func newRequestID() -> String {
        var generator = SystemRandomNumberGenerator()
        return (0..<2).map { _ in
            let half = String(UInt64.random(in: .min ... .max, using: &generator), radix: 16)
            return String(repeating: "0", count: 16 - half.count) + half
        }.joined()
    }

    // MARK: - The tokenizer

    func check(_ tokens: [Int32], _ model: Shoal_V1_ModelDescription, parameter: String) throws {
        guard !tokens.isEmpty else { throw InferenceError.badRequest(parameter, "the prompt has no tokens") }
        if let stranger = tokens.first(where: { $0 < 0 || $0 >= model.vocabularySize }) {
            throw InferenceError.badRequest(
                parameter, "token \(stranger) is not in the vocabulary of \(model.vocabularySize) tokens")
        }
    }

    func tokenize(
        _ text: String, addSpecial: Bool, parseSpecial: Bool, _ model: ServedModel, for share: Share
    ) async throws -> [Int32] {
        let request = Shoal_V1_PrepareRequest.with {
            $0.plain.text = text
            $0.plain.addSpecial = addSpecial
            $0.plain.parseSpecial = parseSpecial
            $0.contextLength = UInt32(clamping: model.contextLength(settings))
        }
        return try await preparer.prepare(request, model, for: share).tokens
    }
}
