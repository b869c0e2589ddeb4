#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// Measures the speed of a model through `/v1/completions`.
struct SpeedMeasurement: Sendable {
    let model: String
    let promptTokens: Int
    let answerTokens: Int
    let sessions: Int
    let vocabularySize: Int

    /// What one round, in which all sessions run at once, came to.
    struct Round: Sendable {
        /// Prompt tokens of all sessions per second until the last session's first token.
        var promptTokensPerSecond: Double
        /// Tokens per second after the first ones, over all sessions.
        var decodeTokensPerSecond: Double
        /// Mean over the sessions, milliseconds.
        var timeToFirstTokenMs: Double
        var route: String?
    }

    /// The medians over the rounds.
    struct Summary: Encodable, Sendable {
        var model: String
        var route: String?
        var sessions: Int
        var promptTokens: Int
        var answerTokens: Int
        var rounds: Int
        var promptTokensPerSecond: Double
        var decodeTokensPerSecond: Double
        var timeToFirstTokenMs: Double

        init(_ measurement: SpeedMeasurement, rounds: [Round]) {
            model = measurement.model
            route = rounds.last?.route
            sessions = measurement.sessions
            promptTokens = measurement.promptTokens
            answerTokens = measurement.answerTokens
            self.rounds = rounds.count
            promptTokensPerSecond = Self.median(rounds.map(\.promptTokensPerSecond))
            decodeTokensPerSecond = Self.median(rounds.map(\.decodeTokensPerSecond))
            timeToFirstTokenMs = Self.median(rounds.map(\.timeToFirstTokenMs))
        }

        func json() throws -> String {
            let encoder = JSONEncoder()
            encoder.keyEncodingStrategy = .convertToSnakeCase
            encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
            return String(decoding: try encoder.encode(self), as: UTF8.self)
        }

        static func median(_ values: [Double]) -> Double {
            let sorted = values.sorted()
            guard !sorted.isEmpty else { return 0 }
            return (sorted[(sorted.count - 1) / 2] + sorted[sorted.count / 2]) / 2
        }
    }

    /// Runs all sessions once; `seed` makes the prompts differ from other rounds'.
    func round(seed: UInt64, client: NodeClient) async throws -> Round {
        let samples = try await withThrowingTaskGroup(of: Sample.self) { group in
            for session in 0..<sessions {
                group.addTask { try await sample(seed: seed &* 1000 &+ UInt64(session), client: client) }
            }
            return try await group.reduce(into: []) { $0.append($1) }
        }
        let prompt = samples.map(\.firstToken).max() ?? .zero
        let decode = zip(samples.map(\.lastToken).max(), samples.map(\.firstToken).min()).map { $0 - $1 } ?? .zero
        let decoded = samples.map { $0.tokens - 1 }.reduce(0, +)
        let first = samples.map(\.firstToken.inSeconds).reduce(0, +) / Double(max(samples.count, 1))
        return Round(
            promptTokensPerSecond: Double(promptTokens * sessions) / max(prompt.inSeconds, 1e-9),
            decodeTokensPerSecond: Double(decoded) / max(decode.inSeconds, 1e-9),
            timeToFirstTokenMs: first * 1000,
            route: samples.first?.route)
    }

    /// One session; durations count from the sending of the request.
    private struct Sample: Sendable {
        var firstToken: Duration
        var lastToken: Duration
        var tokens: Int
        var route: String?
    }

    private func sample(seed: UInt64, client: NodeClient) async throws -> Sample {
        // The middle of a vocabulary holds text tokens; special ones are at its ends.
        let lowest = vocabularySize / 4
        let count = UInt64(max(vocabularySize / 2, 1))
        var state = seed &+ 0x9e37_79b9_7f4a_7c15
        let prompt = (0..<promptTokens).map { _ in
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int32(lowest + Int((state >> 33) % count))
        }
        let request = Request(
            model: model, prompt: prompt, maxTokens: answerTokens, temperature: 0, stream: true,
            streamOptions: .init(includeUsage: true), cachePrompt: false, ignoreEos: true)
        let clock = ContinuousClock()
        let start = clock.now
        var first: Duration?
        var last = Duration.zero
        var tokens = 0
        var route: String?
        try await client.stream("/v1/completions", request) { head in
            route = head.route
        } onEvent: { event in
            let chunk: Chunk = try NodeClient.decode(Array(event.utf8))
            if let error = chunk.error { throw CommandError(error.message, hint: error.hint) }
            if let usage = chunk.usage { tokens = usage.completionTokens }
            guard chunk.choices?.first?.text?.isEmpty == false else { return }
            last = clock.now - start
            if first == nil { first = last }
        }
        guard let first, tokens > 1 else {
            throw CommandError("\(model) wrote \(tokens) tokens instead of \(answerTokens): too few to measure")
        }
        return Sample(firstToken: first, lastToken: last, tokens: tokens, route: route)
    }

    private struct Request: Encodable, Sendable {
        struct StreamOptions: Encodable, Sendable { var includeUsage: Bool }

        var model: String
        var prompt: [Int32]
        var maxTokens: Int
        var temperature: Double
        var stream: Bool
        var streamOptions: StreamOptions
        var cachePrompt: Bool
        var ignoreEos: Bool
    }

    private struct Chunk: Decodable {
        struct Choice: Decodable { var text: String? }
        struct Usage: Decodable { var completionTokens: Int }
        struct Failure: Decodable {
            var message: String
            var hint: String?
        }
        var choices: [Choice]?
        var usage: Usage?
        var error: Failure?
    }
}

/// Both values, when there are both.
private func zip<First, Second>(_ first: First?, _ second: Second?) -> (First, Second)? {
    if let first, let second { (first, second) } else { nil }
}
