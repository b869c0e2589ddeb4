#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// A conversation with a model through `/v1/chat/completions`.
struct Conversation {
    struct Message: Codable, Sendable {
        var role: String
        var content: String
    }

    /// One answer and how it came about.
    struct Turn: Sendable {
        var text = ""
        var reasoning = ""
        var route: String?
        var finishReason: String?
        var promptTokens: Int?
        var completionTokens: Int?
        var timeToFirstToken: Duration?
        /// From the first piece of the answer to the last.
        var decodeTime = Duration.zero
        fileprivate var pieces = 0

        /// Tokens per second after the first one; nil for answers of one token.
        var tokensPerSecond: Double? {
            let count = completionTokens ?? pieces
            guard count > 1, decodeTime > .zero else { return nil }
            return Double(count - 1) / decodeTime.inSeconds
        }

        /// Why an answer ended that the person stopped.
        static let stopped = "stopped"

        /// One line for people.
        var summary: String {
            var parts: [String] = []
            if let route { parts.append("route \(route)") }
            if let completionTokens { parts.append("\(completionTokens) tokens") }
            if let tokensPerSecond { parts.append("\(Figures.fixed(tokensPerSecond)) tokens/s") }
            if let timeToFirstToken {
                parts.append("first after \(Figures.fixed(timeToFirstToken.inSeconds * 1000, digits: 0)) ms")
            }
            if finishReason == "length" { parts.append("cut at the longest length allowed") }
            if finishReason == Self.stopped { parts.append("stopped") }
            return "[\(parts.joined(separator: " · "))]"
        }

        /// The turn as one line of JSON.
        func json(model: String) throws -> String {
            struct Content: Encodable {
                var model: String
                var content: String
                var reasoning: String?
                var finishReason: String?
                var route: String?
                var promptTokens: Int?
                var completionTokens: Int?
                var timeToFirstTokenMs: Double?
                var tokensPerSecond: Double?
            }
            let encoder = JSONEncoder()
            encoder.keyEncodingStrategy = .convertToSnakeCase
            encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
            let content = Content(
                model: model, content: text, reasoning: reasoning.isEmpty ? nil : reasoning,
                finishReason: finishReason, route: route, promptTokens: promptTokens,
                completionTokens: completionTokens, timeToFirstTokenMs: timeToFirstToken.map { $0.inSeconds * 1000 },
                tokensPerSecond: tokensPerSecond)
            return String(decoding: try encoder.encode(content), as: UTF8.self)
        }
    }

    /// Who answers the next question.
    var model: String
    /// What the model is told before the conversation, which begins anew when that changes.
    var system: String? { didSet { clear() } }
    private let temperature: Double?
    private let maximumTokens: Int?
    private let seed: UInt32?
    private var messages: [Message]

    init(model: String, system: String?, temperature: Double?, maximumTokens: Int?, seed: UInt32?) {
        self.model = model
        self.system = system
        self.temperature = temperature
        self.maximumTokens = maximumTokens
        self.seed = seed
        self.messages = []
        clear()
    }

    /// Forgets everything but the system prompt.
    mutating func clear() {
        messages = system.map { [Message(role: "system", content: $0)] } ?? []
    }

    /// Asks, and remembers question and answer; a question that fails is forgotten. Of an answer during which the task is cancelled, what
    /// has come is remembered.
    ///
    /// - Parameter show: Whether to write the answer to standard output as it comes.
    /// - Throws: `CommandError`; `CancellationError` where nothing has come yet.
    mutating func ask(_ question: String, client: NodeClient, show: Bool) async throws -> Turn {
        let asked = messages + [Message(role: "user", content: question)]
        let request = Request(
            model: model, messages: asked, stream: true, streamOptions: .init(includeUsage: true),
            temperature: temperature, maxTokens: maximumTokens, seed: seed)
        var turn = Turn()
        let clock = ContinuousClock()
        let start = clock.now
        var first: ContinuousClock.Instant?
        var wrap = Terminal.isInteractive ? WordWrap(columns: Terminal.width) : nil
        do {
            try await client.stream("/v1/chat/completions", request) { head in
                turn.route = head.route
            } onEvent: { event in
                let chunk: Chunk = try NodeClient.decode(Array(event.utf8))
                if let error = chunk.error {
                    throw CommandError(error.message, hint: error.hint.flatMap(RouteHint.inCommands))
                }
                if let usage = chunk.usage {
                    turn.promptTokens = usage.promptTokens
                    turn.completionTokens = usage.completionTokens
                }
                guard let choice = chunk.choices?.first else { return }
                if let reason = choice.finishReason { turn.finishReason = reason }
                let text = choice.delta?.content ?? ""
                let reasoning = choice.delta?.reasoningContent ?? ""
                guard !text.isEmpty || !reasoning.isEmpty else { return }
                let now = clock.now
                if first == nil {
                    first = now
                    turn.timeToFirstToken = now - start
                }
                turn.decodeTime = now - (first ?? now)
                turn.pieces += 1
                turn.text += text
                turn.reasoning += reasoning
                if show {
                    Terminal.writeError(reasoning)
                    Terminal.write(wrap?.feed(text) ?? text)
                }
            }
        } catch  where Task.isCancelled {
            guard turn.pieces > 0 else { throw CancellationError() }
            turn.finishReason = Turn.stopped
        } catch {
            if show, turn.pieces > 0 { Terminal.line(wrap?.finish() ?? "") }
            throw error
        }
        if show, let rest = wrap?.finish() { Terminal.write(rest) }
        messages = asked + [Message(role: "assistant", content: turn.text)]
        return turn
    }

    private struct Request: Encodable, Sendable {
        struct StreamOptions: Encodable, Sendable { var includeUsage: Bool }

        var model: String
        var messages: [Message]
        var stream: Bool
        var streamOptions: StreamOptions
        var temperature: Double?
        var maxTokens: Int?
        var seed: UInt32?
    }

    private struct Chunk: Decodable {
        struct Choice: Decodable {
            struct Delta: Decodable {
                var content: String?
                var reasoningContent: String?
            }
            var delta: Delta?
            var finishReason: String?
        }
        struct Usage: Decodable {
            var promptTokens: Int
            var completionTokens: Int
        }
        struct Failure: Decodable {
            var message: String
            var hint: String?
        }
        var choices: [Choice]?
        var usage: Usage?
        var error: Failure?
    }
}

extension Duration {
    /// The duration as a number of seconds.
    var inSeconds: Double {
        Double(components.seconds) + Double(components.attoseconds) / 1e18
    }
}
