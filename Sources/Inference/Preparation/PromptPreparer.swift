import GRPCCore
import Generation
import Link
import Logging
import SwiftProtobuf
import Synchronization

/// Has prompts prepared and answers read, in a process for each model that may be lost at any moment.
final class PromptPreparer: Sendable {
    /// How long one piece of work may take, whatever it is at; the process has shorter limits of its own for what a machine with
    /// much to do does not make longer.
    static let limit: Duration = .seconds(5)
    /// How often a piece of work is begun: a process may end for reasons that are not its own.
    private static let attempts = 2
    /// The most bytes of text that are looked at, whatever a context may hold.
    private static let maximumBytes = 12 << 20

    let supervisor: EngineSupervisor
    private let logger: Logger
    /// One piece of work of a model goes at a time.
    private let gates = Mutex<[String: FairGate]>([:])

    init(supervisor: EngineSupervisor, logger: Logger) {
        self.supervisor = supervisor
        self.logger = logger
    }

    /// The process of a model, started when there is none. One that ends while it starts is replaced.
    ///
    /// - Throws: `InferenceError`; with `preparationLost` where processes end again and again.
    func connection(_ model: ServedModel) async throws -> EngineConnection {
        var last: InferenceError?
        for _ in 0..<Self.attempts {
            do {
                return try await supervisor.engine(model: model.id, paths: model.paths).connection()
            } catch let error as InferenceError where error.code == .engineFailed {
                last = error
            }
        }
        throw InferenceError(
            .preparationLost, "the process that prepares prompts for model \(model.id) does not start",
            hint: last?.hint ?? "the node's log has more", cause: last)
    }

    /// A prompt's tokens, and what its answer is held to.
    ///
    /// - Parameter share: For whom; callers take turns.
    /// - Throws: `InferenceError`.
    func prepare(
        _ request: Shoal_V1_PrepareRequest, _ model: ServedModel, for share: Share
    ) async throws -> Shoal_V1_PreparedPrompt {
        try Self.checkSize(request)
        let reply = try await asking(model, for: share) {
            try await $0.channel.preparation.prepare(request, options: .within(Self.limit))
        }
        switch reply.result {
        case .prompt(let prompt): return prompt
        case .failure(let failure): throw InferenceError(failure)
        case nil: throw InferenceError(.engineFailed, "the preparation process gave no answer")
        }
    }

    /// The bytes of each token.
    func pieces(of tokens: [Int32], special: Bool, _ model: ServedModel, for share: Share) async throws -> [[UInt8]] {
        let request = Shoal_V1_DetokenizeRequest.with {
            $0.tokens = tokens
            $0.special = special
        }
        return try await asking(model, for: share) {
            try await $0.channel.engine.detokenize(request, options: .within(Self.limit))
        }.pieces.map { [UInt8]($0) }
    }

    private static func checkSize(_ request: Shoal_V1_PrepareRequest) throws {
        let (bytes, parameter) =
            switch request.prompt {
            case .chat(let chat): (chat.messages.utf8.count + chat.tools.utf8.count, "messages")
            case .plain(let plain): (plain.text.utf8.count, "prompt")
            case .tokens(let tokens): (tokens.tokens.count * 4, "prompt")
            case nil: (0, "prompt")
            }
        guard bytes <= maximumBytes else {
            throw InferenceError(
                .contextTooLong,
                "the model's maximum context length is \(request.contextLength) tokens, and the prompt has \(bytes) bytes",
                hint: "shorten the prompt", parameter: parameter)
        }
    }

    /// Makes a call to a model's process, in turn. A process that ends meanwhile, or does not answer, is replaced, and the call is made
    /// once more.
    private func asking<Answer: Sendable>(
        _ model: ServedModel, for share: Share, _ call: @escaping @Sendable (EngineConnection) async throws -> Answer
    ) async throws -> Answer {
        do {
            return try await gate(model.id).run(for: share) { try await attempt(model, call) }
        } catch let refusal as FairGate.Refusal {
            throw InferenceError(refusal)
        }
    }

    private func attempt<Answer: Sendable>(
        _ model: ServedModel, _ call: @escaping @Sendable (EngineConnection) async throws -> Answer
    ) async throws -> Answer {
        var last: (any Error)?
        for _ in 0..<Self.attempts {
            try Task.checkCancellation()
            let connection = try await connection(model)
            do {
                return try await LinkChannel.uncancelled { try await call(connection) }
            } catch let error as RPCError {
                try Task.checkCancellation()
                if let refusal = Self.refusal(error) {
                    if error.code == .deadlineExceeded {
                        await kill(connection, of: model)
                    }
                    throw refusal
                }
                logger.notice(
                    "a preparation process is replaced",
                    metadata: ["model": "\(model.id)", "why": "\(error.message)"])
                await kill(connection, of: model)
                last = error
            }
        }
        throw InferenceError(
            .preparationLost,
            "the process that prepares prompts for model \(model.id) ended while it worked on this one",
            hint: "it may have needed more memory than it may take; the node's log has more", cause: last)
    }

    /// Has a process replaced.
    func kill(_ connection: EngineConnection, of model: ServedModel) async {
        await supervisor.existingEngine(model: model.id)?.killUnlessAlive(
            generation: connection.generation, within: nil)
    }

    /// What the process said of the request; nil where it is the process that failed.
    private static func refusal(_ error: RPCError) -> InferenceError? {
        switch error.code {
        case .deadlineExceeded:
            InferenceError(
                .badRequest, "preparing the prompt took more than \(limit)", hint: "send less", cause: error)
        case .invalidArgument, .unimplemented: InferenceError(.badRequest, error.message, cause: error)
        case .resourceExhausted: InferenceError(.badRequest, error.message, hint: "send less", cause: error)
        default: nil
        }
    }

    private func gate(_ model: String) -> FairGate {
        gates.withLock { gates in
            if let known = gates[model] { return known }
            let made = FairGate(places: 1, callerPlaces: 1, callerWaiting: 128, waiting: 1024)
            gates[model] = made
            return made
        }
    }
}

extension InferenceError {
    init(_ failure: Shoal_V1_PreparationFailure) {
        self.init(
            Code(rawValue: failure.code), failure.message, hint: failure.hasHint ? failure.hint : nil,
            parameter: failure.hasParameter ? failure.parameter : nil)
    }
}
