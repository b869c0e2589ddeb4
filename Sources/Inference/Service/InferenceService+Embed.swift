import GGUF
import GRPCCore
import Link
import ModelLibrary
import SwiftProtobuf

extension InferenceService {
    /// One vector per input. The model has to be whole on this node: pooling needs all tokens of all layers in one place.
    ///
    /// - Throws: `InferenceError` with `unsupported` when this node does not hold the whole model.
    package func embed(
        model name: String, inputs: [EmbeddingInput], caller: String = ""
    ) async throws -> [EmbeddingResult] {
        let begin = ContinuousClock.now
        recorder.began()
        hooks.requested(name)
        do {
            let results = try await vectors(model: name, inputs: inputs, caller: caller)
            recorder.embedded(tokens: results.reduce(0) { $0 + $1.tokenCount }, latency: begin.duration(to: .now))
            return results
        } catch {
            if error is CancellationError { recorder.abandoned() } else { recorder.failed() }
            throw error
        }
    }

    private func vectors(
        model name: String, inputs: [EmbeddingInput], caller: String
    ) async throws -> [EmbeddingResult] {
        let (known, served) = try await catalogue.model(named: name)
        guard let all = LayerRange(first: 0, end: served.layerCount), known.heldLayers.contains(all) else {
            throw InferenceError(
                .unsupported,
                "embeddings of model \(served.id) need all \(served.layerCount) layers on the node that is asked",
                hint: "ask a node that holds the whole model, or import its missing shards here", parameter: "model")
        }
        let description = try await preparer.connection(served).description
        var tokens: [[Int32]] = []
        for input in inputs {
            switch input {
            case .text(let text):
                tokens.append(try await tokenize(text, addSpecial: true, parseSpecial: true, served, for: caller))
            case .tokens(let given):
                tokens.append(given)
            }
        }
        let context = served.contextLength(settings)
        for input in tokens {
            try check(input, description, parameter: "input")
            guard input.count <= context else {
                throw InferenceError(
                    .contextTooLong,
                    "an input has \(input.count) tokens, and the context of model \(served.id) has \(context)",
                    parameter: "input")
            }
        }
        let lease = try await keeper.lease(all, of: served)
        defer { withExtendedLifetime(lease) {} }
        do {
            let reply = try await lease.connection.channel.engine.embed(
                .with { $0.inputs = tokens.map { input in .with { $0.tokens = input } } })
            guard reply.vectors.count == tokens.count else {
                throw InferenceError(
                    .engineFailed, "the engine gave \(reply.vectors.count) vectors for \(tokens.count) inputs")
            }
            return zip(reply.vectors, tokens).map { vector, input in
                EmbeddingResult(vector: Self.normalised(vector.values), tokenCount: input.count)
            }
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
