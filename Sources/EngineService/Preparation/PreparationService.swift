internal import Engine
internal import Foundation
internal import GRPCCore
internal import JSON
internal import Link
internal import SwiftProtobuf

/// What the daemon asks of a preparation process: prompts of conversations, and answers taken apart.
struct PreparationService: Shoal_V1_Preparation.SimpleServiceProtocol {
    let opened: OpenedModel
    let worker: PreparationWorker

    func prepare(request: Shoal_V1_PrepareRequest, context: ServerContext) async throws -> Shoal_V1_PrepareReply {
        do {
            let model = try opened.model()
            let prompt = try await worker.run { work in
                try PromptPreparation(model: model, work: work).prepare(request)
            }
            return .with { $0.prompt = prompt }
        } catch let failure as Shoal_V1_PreparationFailure {
            return .with { $0.failure = failure }
        } catch {
            throw RPCError(engine: error)
        }
    }

    func readAnswer(
        request: RPCAsyncSequence<Shoal_V1_AnswerText, any Error>, response: RPCWriter<Shoal_V1_AnswerDeltas>,
        context: ServerContext
    ) async throws {
        let lane = ReadingLane()
        for try await message in request {
            let deltas: [AnswerReader.Delta]
            do {
                deltas = try await lane.read(message)
            } catch {
                throw RPCError(code: .internalError, message: "\(error)")
            }
            if message.form.isEmpty { try await response.write(.with { $0.deltas = deltas.map { .init($0) } }) }
        }
    }
}

/// One answer's reader, on a thread of the system's pool at a time.
private final class ReadingLane: Sendable {
    private let queue = DispatchQueue(label: "answer")
    private nonisolated(unsafe) var reader: AnswerReader?  // used on the queue alone

    func read(_ message: Shoal_V1_AnswerText) async throws -> [AnswerReader.Delta] {
        try await withCheckedThrowingContinuation { continuation in
            queue.async { [self] in
                continuation.resume(
                    with: Result {
                        if !message.form.isEmpty {
                            reader = try AnswerReader(form: message.form)
                            return []
                        }
                        guard let reader else { throw ChatError(.failed, "an answer begins with its form") }
                        return try reader.append([UInt8](message.text), isLast: message.isLast)
                    })
            }
        }
    }
}

extension Shoal_V1_AnswerDelta {
    init(_ delta: AnswerReader.Delta) {
        self.init()
        switch delta {
        case .content(let text): content = text
        case .reasoning(let text): reasoning = text
        case .toolCall(let index, let id, let name, let arguments):
            toolCall = .with {
                $0.index = UInt32(clamping: index)
                $0.id = id
                if let name { $0.name = name }
                $0.arguments = arguments
            }
        }
    }
}

extension Shoal_V1_PreparationFailure: Error {
    /// - Parameter code: As `InferenceError` has it.
    init(_ code: String, _ message: String, hint: String? = nil, parameter: String? = nil) {
        self.init()
        self.code = code
        self.message = message
        if let hint { self.hint = hint }
        if let parameter { self.parameter = parameter }
    }
}
