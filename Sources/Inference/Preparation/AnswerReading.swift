import GRPCCore
import Generation
import Link
import SwiftProtobuf
import Synchronization

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// Takes the text of one generation apart into text, reasoning and tool calls, with the process that prepared its prompt.
///
/// All text that has come is sent at once, so that a reader that takes long is asked less often. When its process is lost, another one
/// is told everything from the beginning, and goes on behind what was said already.
struct AnswerReading: Sendable {
    /// How long an answer's reader may take for one piece.
    private static let limit: Duration = .seconds(5)
    private static let tick: Duration = .milliseconds(250)
    private static let attempts = 4

    let model: ServedModel
    let preparer: PromptPreparer
    let form: String
    let emit: @Sendable (GenerationEvent) -> Void

    /// Runs until the events end.
    ///
    /// - Throws: `InferenceError` where the answer cannot be read.
    func run(_ events: AnswerEvents) async throws {
        var progress = Progress()
        var failure: (any Error)?
        for _ in 0..<Self.attempts {
            let said = progress
            let (result, error) = await attempt(events, said)
            progress = result
            guard let error else { return }
            try Task.checkCancellation()
            failure = error
        }
        throw InferenceError(
            .preparationLost, "the answer's reader ended \(Self.attempts) times", cause: failure)
    }

    /// What has been read so far.
    private struct Progress: Sendable {
        /// Text that was answered for.
        var read: [UInt8] = []
        /// Events that are taken and not dealt with yet.
        var pending: [GenerationEvent] = []
        /// Tokens whose text has not come out yet.
        var tokens: [TokenInfo] = []
        var calls: [UInt32: String] = [:]
        var isEnded = false
    }

    /// Reads on with one process. The stream is ended by both sides, also when nobody wants the answer any more: `events` end then.
    private func attempt(_ events: AnswerEvents, _ said: Progress) async -> (Progress, (any Error)?) {
        let connection: EngineConnection
        do {
            connection = try await preparer.connection(model)
        } catch {
            return (said, error)
        }
        let patience = Patience()
        let call = Task { () -> (Progress, (any Error)?) in
            let (texts, continuation) = AsyncStream.makeStream(of: Shoal_V1_AnswerText.self)
            defer { continuation.finish() }
            return try await connection.channel.preparation.readAnswer(
                requestProducer: { writer in
                    try await writer.write(.with { $0.form = form })
                    for await text in texts { try await writer.write(text) }
                },
                onResponse: { response in
                    var replies = response.messages.makeAsyncIterator()
                    var progress = said
                    func ask(_ text: Shoal_V1_AnswerText) async throws -> [Shoal_V1_AnswerDelta] {
                        patience.begin()
                        defer { patience.end() }
                        continuation.yield(text)
                        guard let reply = try await replies.next() else {
                            throw RPCError(code: .unavailable, message: "the reader's stream ended")
                        }
                        return reply.deltas
                    }
                    do {
                        if !said.read.isEmpty { _ = try await ask(.with { $0.text = Data(said.read) }) }
                        while !progress.isEnded {
                            if progress.pending.isEmpty {
                                guard let next = await events.next() else { break }
                                progress.pending = next
                            }
                            let (bytes, tokens, isLast) = Self.text(of: progress.pending)
                            if !bytes.isEmpty || isLast {
                                let deltas = try await ask(
                                    .with {
                                        $0.text = Data(bytes)
                                        $0.isLast = isLast
                                    })
                                progress.read += bytes
                                progress.tokens += tokens
                                deal(deltas, &progress)
                            } else {
                                progress.tokens += tokens
                            }
                            finish(&progress)
                        }
                        continuation.finish()
                        patience.begin()
                        while try await replies.next() != nil {}
                        return (progress, nil)
                    } catch {
                        return (progress, progress.isEnded ? nil : error)
                    }
                })
        }
        let watch = Task {
            while (try? await Task.sleep(for: Self.tick)) != nil {
                guard patience.isOver(after: Self.limit) else { continue }
                call.cancel()
                await preparer.kill(connection, of: model)
                return
            }
        }
        defer { watch.cancel() }
        do {
            return try await call.value
        } catch {
            return (said, error)
        }
    }

    /// Since when an answer of the process is waited for.
    private final class Patience: Sendable {
        private let since = Mutex<ContinuousClock.Instant?>(nil)

        func begin() { since.withLock { $0 = .now } }
        func end() { since.withLock { $0 = nil } }
        func isOver(after limit: Duration) -> Bool {
            since.withLock { $0.map { $0.duration(to: .now) > limit } ?? false }
        }
    }

    /// The text of some events, with its tokens, and whether it is the last.
    private static func text(of events: [GenerationEvent]) -> ([UInt8], [TokenInfo], isLast: Bool) {
        var bytes: [UInt8] = []
        var tokens: [TokenInfo] = []
        var isLast = false
        for event in events {
            switch event {
            case .text(let text, let made):
                bytes += Array(text.utf8)
                tokens += made
            case .finished: isLast = true
            case .started, .rerouted, .reasoning, .toolCall: break
            }
        }
        return (bytes, tokens, isLast)
    }

    /// Passes on what the reader found. Tokens go with the text that comes of them; those of reasoning and calls are left out.
    private func deal(_ deltas: [Shoal_V1_AnswerDelta], _ progress: inout Progress) {
        for delta in deltas {
            switch delta.delta {
            case .content(let text):
                emit(.text(text, progress.tokens))
                progress.tokens = []
            case .reasoning(let text):
                emit(.reasoning(text))
                progress.tokens = []
            case .toolCall(let piece):
                let id = progress.calls[piece.index] ?? (piece.id.isEmpty ? Self.newCallID() : piece.id)
                progress.calls[piece.index] = id
                emit(
                    .toolCall(
                        ToolCallDelta(
                            index: Int(piece.index), id: id, name: piece.hasName ? piece.name : nil,
                            argumentsFragment: piece.arguments)))
                progress.tokens = []
            case nil: break
            }
        }
    }

    /// Passes on what is no text, and forgets the events that were dealt with.
    private func finish(_ progress: inout Progress) {
        for event in progress.pending {
            switch event {
            case .started, .rerouted: emit(event)
            case .finished(let result):
                if !progress.tokens.isEmpty { emit(.text("", progress.tokens)) }
                emit(.finished(progress.calls.isEmpty ? result : result.endedByCalls))
                progress.isEnded = true
            case .text, .reasoning, .toolCall: break
            }
        }
        progress.pending = []
    }

    private static func newCallID() -> String {
        let letters = Array("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789")
        return "call_" + String((0..<24).compactMap { _ in letters.randomElement() })
    }
}

extension GenerationResult {
    /// The same end, as an answer has it that calls tools and was not cut off.
    fileprivate var endedByCalls: GenerationResult {
        GenerationResult(
            finishReason: finishReason == .stop ? .toolCalls : finishReason, usage: usage, timings: timings,
            route: route)
    }
}
