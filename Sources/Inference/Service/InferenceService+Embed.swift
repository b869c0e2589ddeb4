import GGUF
import GRPCCore
package import Generation
import Identifiers
import Link
import ModelLibrary
import SwiftProtobuf

extension InferenceService {
    /// Inputs, and bytes of vectors, in one call to the engine.
    private static let inputsPerCall = 256
    private static let replyBytes = 8 << 20

    /// One vector per input. The model has to be whole on this node: pooling needs all tokens of all layers in one place.
    ///
    /// - Throws: `InferenceError` with `unsupported` when this node does not hold the whole model.
    package func embed(_ request: EmbeddingRequest) async throws -> [EmbeddingResult] {
        let begin = ContinuousClock.now
        recorder.began()
        hooks.requested(request.model)
        do {
            let results = try await vectors(request)
            recorder.embedded(tokens: results.reduce(0) { $0 + $1.tokenCount }, latency: begin.duration(to: .now))
            return results
        } catch {
            if error is CancellationError { recorder.abandoned() } else { recorder.failed() }
            throw error
        }
    }

    private func vectors(_ request: EmbeddingRequest) async throws -> [EmbeddingResult] {
        let share = request.share
        let (known, served) = try await catalogue.model(named: request.model)
        guard let all = LayerRange(first: 0, end: served.layerCount), known.heldLayers.contains(all) else {
            throw InferenceError(
                .unsupported,
                "embeddings of model \(served.id) need all \(served.layerCount) layers on the node that is asked",
                hint: "ask a node that holds the whole model, or import its missing shards here", parameter: "model")
        }
        let description = try await preparer.connection(served).description
        var tokens: [[Int32]] = []
        var count = 0
        for input in request.inputs {
            switch input {
            case .text(let text):
                do {
                    tokens.append(try await tokenize(text, addSpecial: true, parseSpecial: true, served, for: share))
                } catch let error as InferenceError {
                    throw error.of("input", insteadOf: "prompt")
                }
            case .tokens(let given):
                tokens.append(given)
            }
            count += tokens.last?.count ?? 0
            guard count <= EmbeddingInput.mostTokens else {
                throw InferenceError.badRequest(
                    "input", "input may have at most \(EmbeddingInput.mostTokens) tokens in all",
                    hint: "send the texts in several requests")
            }
        }
        let context = served.contextLength(settings)
        for input in tokens {
            try check(input, description, parameter: "input")
            guard input.count <= context else {
                throw InferenceError(
                    .contextTooLong,
                    "the model's maximum context length is \(context) tokens, and an input has \(input.count)",
                    hint: "shorten the input", parameter: "input")
            }
        }
        try await gate.enter(share, promptTokens: count)
        defer { gate.leave(share) }
        let lease = try await keeper.lease(all, of: served)
        defer { withExtendedLifetime(lease) {} }
        do {
            var results: [EmbeddingResult] = []
            // A message has room for so many vectors, and whoever waits is cancelled between two of them.
            let most = max(1, min(Self.inputsPerCall, Self.replyBytes / max(1, 4 * Int(description.embeddingLength))))
            for start in stride(from: 0, to: tokens.count, by: most) {
                let inputs = tokens[start..<min(start + most, tokens.count)]
                try Task.checkCancellation()
                let engine = lease.connection.channel.engine
                let reply = try await LinkChannel.uncancelled {
                    try await engine.embed(.with { $0.inputs = inputs.map { input in .with { $0.tokens = input } } })
                }
                guard reply.vectors.count == inputs.count else {
                    throw InferenceError(
                        .engineFailed, "the engine gave \(reply.vectors.count) vectors for \(inputs.count) inputs")
                }
                for (vector, input) in zip(reply.vectors, inputs) {
                    results.append(EmbeddingResult(vector: Self.normalised(vector.values), tokenCount: input.count))
                }
            }
            return results
        } catch let error as RPCError {
            let code: InferenceError.Code =
                switch error.code {
                case .unimplemented: .unsupported
                case .invalidArgument: .badRequest
                case .resourceExhausted: .noCapacity
                default: .engineFailed
                }
            throw InferenceError(code, "model \(served.id) cannot embed: \(error.message)", cause: error)
        }
    }

    /// The vector scaled to length 1; zeros stay zeros.
    private static func normalised(_ vector: [Float]) -> [Float] {
        let length = vector.reduce(into: 0.0) { $0 += Double($1) * Double($1) }.squareRoot()
        guard length > 0, length.isFinite else { return vector.map { $0.isFinite ? $0 : 0 } }
        return vector.map { Float(Double($0) / length) }
    }
}

extension EmbeddingInput {
    /// Tokens of all inputs of a request.
    package static let mostTokens = 300_000
}

extension InferenceError {
    /// The error with another field, where it blames `other`: those who prepare a text do not know what it is called.
    func of(_ parameter: String, insteadOf other: String) -> InferenceError {
        guard self.parameter == other else { return self }
        return InferenceError(code, message, hint: hint, parameter: parameter, cause: cause)
    }
}
