import ChatTemplate
import Events
import GRPCCore
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
            let (input, model) = try await input(for: request)
            try await gate.enter()
            return try start(input, model: model, begin: begin)
        } catch {
            if error is CancellationError { recorder.abandoned() } else { recorder.failed() }
            throw error
        }
    }

    /// Runs the session in a task that ends with the stream. The caller has a place from the gate.
    private func start(
        _ input: SessionInput, model: ServedModel, begin: ContinuousClock.Instant
    ) throws -> GenerationStream {
        let (stream, continuation) = AsyncThrowingStream.makeStream(of: GenerationEvent.self)
        let session = GenerationSession(
            input, source: NodeSegments(model: model, shared: shared), settings: settings, logger: logger
        ) { continuation.yield($0) }
        let cancel = tasks.start { [gate, recorder, events] in
            do {
                events.publish(
                    NodeEvent(
                        category: "inference", kind: "inference_request",
                        message: "A generation with \(input.model) began.", modelID: input.model))
                let ending = try await session.run()
                recorder.finished(ending, latency: begin.duration(to: .now))
                events.publish(
                    NodeEvent(
                        category: "inference", kind: "inference_completed",
                        message: "A generation with \(input.model) ended.", modelID: input.model,
                        detailNumber: Double(ending.result.usage.completionTokens)))
                continuation.finish()
            } catch {
                if Task.isCancelled || error is CancellationError {
                    recorder.abandoned()
                    continuation.finish(throwing: InferenceError(.cancelled, "the generation was ended"))
                } else {
                    recorder.failed()
                    continuation.finish(throwing: error)
                }
            }
            gate.leave()
        }
        guard let cancel else {
            gate.leave()
            throw InferenceError(.cancelled, "the node is stopping")
        }
        continuation.onTermination = { reason in
            if case .cancelled = reason { cancel() }
        }
        return GenerationStream(stream)
    }

    // MARK: - From request to tokens

    private func input(for request: GenerationRequest) async throws -> (SessionInput, ServedModel) {
        let (model, engine) = try await engine(of: request.model)
        let text: String?
        let tokens: [Int32]
        var output: OutputForm?
        var grammar = try Self.grammar(request.responseFormat)
        switch request.prompt {
        case .chat(let messages, let tools, let choice, let arguments):
            let chat = ChatRequest(tools: tools, choice: choice)
            let prompt = try prompts.prompt(
                messages: messages, tools: chat.tools, arguments: arguments, model: engine.description)
            let form = try await form(of: model, engine)
            grammar = try chat.grammar(form: form, prompt: prompt, given: grammar)
            if request.parseToolCalls {
                output = chat.output(form: form, prompt: prompt, isFree: request.responseFormat.isFree)
            }
            // A template that writes the first token itself must not get a second one.
            let begins = engine.description.beginningOfText
            let hasBeginning = !begins.isEmpty && prompt.hasPrefix(begins)
            tokens = try await tokenize(prompt, addSpecial: !hasBeginning, parseSpecial: true, model)
            text = prompt
        case .text(let prompt):
            tokens = try await tokenize(prompt, addSpecial: true, parseSpecial: true, model)
            text = prompt
        case .tokens(let given):
            tokens = given
            text = nil
        }
        try check(tokens, engine.description, parameter: "prompt")
        let context = model.contextLength(settings)
        let room = context - tokens.count
        // One more token than the context has can still be asked for its log-probabilities alone.
        guard room > 0 else {
            throw InferenceError(
                .contextTooLong,
                "the prompt has \(tokens.count) tokens, and the context of model \(model.id) has \(context)",
                hint: "shorten the prompt, or raise the node's context length", parameter: "messages")
        }
        var input = SessionInput(
            requestID: Self.newRequestID(), model: model.id, prompt: tokens,
            sampling: Self.sampling(for: request, grammar: grammar ?? ""),
            maximumTokens: min(max(0, request.maximumTokens ?? room), room), contextLength: context,
            vocabularySize: Int(engine.description.vocabularySize))
        input.cachePrompt = request.cachePrompt
        input.ignoreEndOfGeneration = request.ignoreEndOfGeneration
        input.stop = request.stop
        input.output = output
        if request.echo {
            let shown: String
            if let text {
                shown = text
            } else {
                shown = String(decoding: try await pieces(of: tokens, special: true, model).joined(), as: UTF8.self)
            }
            input.echo = .init(text: shown, logProbabilities: request.topLogProbabilities != nil)
        }
        return (input, model)
    }

    /// What the answer's form demands of the sampler; nil for nothing.
    private static func grammar(_ format: ResponseFormat) throws(InferenceError) -> String? {
        switch format {
        case .text: return nil
        case .grammar(let text): return text
        case .jsonObject: return JSONGrammar.object
        case .jsonSchema(let schema):
            do {
                return try JSONGrammar.matching(schema: schema)
            } catch {
                throw InferenceError(
                    .badRequest, "the schema cannot be honoured: \(error)", parameter: "response_format", cause: error)
            }
        }
    }

    private static func sampling(for request: GenerationRequest, grammar: String) -> Shoal_V1_Sampling {
        let sampling = request.sampling
        return .with {
            $0.temperature = max(0, sampling.temperature)
            $0.topK = UInt32(clamping: sampling.topK)
            // On the wire 0 stands for "not given".
            $0.topP = max(sampling.topP, .leastNormalMagnitude)
            $0.minP = sampling.minP
            $0.typicalP = max(sampling.typicalP, .leastNormalMagnitude)
            $0.repeatPenalty = sampling.repeatPenalty
            $0.repeatLastN = Int32(clamping: sampling.repeatLastN)
            $0.presencePenalty = sampling.presencePenalty
            $0.frequencyPenalty = sampling.frequencyPenalty
            // Chosen here, so that a session that goes on elsewhere goes on with the same numbers.
            $0.seed = sampling.seed ?? UInt32.random(in: .min ... .max)
            $0.logitBias = sampling.logitBias
            $0.grammar = grammar
            $0.topLogProbabilities = request.topLogProbabilities.map { Int32(clamping: $0) } ?? -1
        }
    }

    private static func newRequestID() -> String {
        var generator = SystemRandomNumberGenerator()
        return (0..<2).map { _ in
            let half = String(UInt64.random(in: .min ... .max, using: &generator), radix: 16)
            return String(repeating: "0", count: 16 - half.count) + half
        }.joined()
    }

    /// How a model writes calls and reasoning, worked out once.
    private func form(of model: ServedModel, _ engine: EngineConnection) async throws -> OutputForm {
        let key = model.id + "/" + String(engine.description.chatTemplate.hashValue)
        if let known = forms.withLock({ $0[key] }) { return known }
        let template = engine.description.chatTemplate
        var form = OutputForm(toolCalls: .detect(template: template), reasoning: .detect(template: template))
        for text in OutputForm.markerTexts {
            let tokens = try await tokenize(text, addSpecial: false, parseSpecial: true, model)
            if tokens.count == 1 { form.markers[tokens[0]] = Array(text.utf8) }
        }
        forms.withLock { $0[key] = form }
        return form
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
        _ text: String, addSpecial: Bool, parseSpecial: Bool, _ model: ServedModel
    ) async throws -> [Int32] {
        let request = Shoal_V1_TokenizeRequest.with {
            $0.text = text
            $0.addSpecial = addSpecial
            $0.parseSpecial = parseSpecial
        }
        return try await asking(model, "tokenize") { try await $0.channel.engine.tokenize(request, options: $1) }.tokens
    }

    func pieces(of tokens: [Int32], special: Bool, _ model: ServedModel) async throws -> [[UInt8]] {
        let request = Shoal_V1_DetokenizeRequest.with {
            $0.tokens = tokens
            $0.special = special
        }
        return try await asking(model, "detokenize") { try await $0.channel.engine.detokenize(request, options: $1) }
            .pieces.map { [UInt8]($0) }
    }

    /// Makes a short call to a model's engine. One that is gone or frozen is replaced, and asked once more.
    private func asking<Answer: Sendable>(
        _ model: ServedModel, _ what: String,
        _ call: @Sendable (EngineConnection, CallOptions) async throws -> Answer
    ) async throws -> Answer {
        let engine = try await supervisor.engine(model: model.id, paths: model.paths)
        do {
            let connection = try await engine.connection()
            do {
                return try await call(connection, .within(.seconds(3)))
            } catch let error as RPCError where error.code == .deadlineExceeded || error.code == .unavailable {
                try Task.checkCancellation()
                await engine.killUnlessAlive(generation: connection.generation, within: .milliseconds(700))
            }
            return try await call(try await engine.connection(), .within(.seconds(30)))
        } catch let error as RPCError {
            throw InferenceError(.engineFailed, "the engine cannot \(what): \(error.message)", cause: error)
        }
    }
}
