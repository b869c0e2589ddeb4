package import ArgumentParser
import NodeAPI

/// `shoal bench`: measures how fast a running node answers.
package struct BenchCommand: AsyncParsableCommand {
    package static let configuration = CommandConfiguration(
        commandName: "bench",
        abstract: "Measure how fast a running node reads prompts and writes answers.",
        discussion: """
            Sends prompts of random tokens through HTTP, without reuse of what the node remembers, and reports tokens \
            per second: the median of the rounds. With several sessions, the total over all of them.
            """)

    @Option(name: .long, help: ArgumentHelp("Length of the prompts.", valueName: "TOKENS"))
    package var promptTokens = 512

    @Option(name: .long, help: ArgumentHelp("Length of the answers.", valueName: "TOKENS"))
    package var tokens = 64

    @Option(name: .long, help: "Questions asked at once.")
    package var sessions = 1

    @Option(name: .long, help: "Rounds to measure, after one that warms up.")
    package var rounds = 3

    @OptionGroup package var output: OutputOptions
    @OptionGroup package var connection: ConnectionOptions

    @Argument(help: "The model's id, as “shoal models” lists it.")
    package var model: String

    package init() {}

    package mutating func validate() throws {
        for (name, value, range) in [
            ("--prompt-tokens", promptTokens, 1...131_072), ("--tokens", tokens, 2...65_536),
            ("--sessions", sessions, 1...256), ("--rounds", rounds, 1...100),
        ] where !range.contains(value) {
            throw ValidationError("\(name) must be from \(range.lowerBound) to \(range.upperBound), not \(value)")
        }
    }

    package func run() async throws {
        let result = try await NodeClient.with(try connection.target()) { client in
            // Of a worker's model the node has no header.
            let metadata: ModelMetadataBody? =
                try await KnownModels(client).summary(of: model) == nil
                ? nil : try await client.get("/api/admin/models/\(model)/metadata")
            let measurement = SpeedMeasurement(
                model: model, promptTokens: promptTokens, answerTokens: tokens, sessions: sessions,
                vocabularySize: metadata?.model.vocabSize ?? 1000)
            var bar = ProgressBar("measuring \(model)")
            var results: [SpeedMeasurement.Round] = []
            for round in 0...rounds {
                let result = try await measurement.round(seed: UInt64(round), client: client)
                if round > 0 { results.append(result) }
                bar.update(fraction: Double(round + 1) / Double(rounds + 1), detail: "round \(round) of \(rounds)")
            }
            bar.finish(wipe: true)
            return SpeedMeasurement.Summary(measurement, rounds: results)
        }
        guard !output.json else { return Terminal.line(try result.json()) }
        Terminal.line("model          \(result.model)")
        if let route = result.route { Terminal.line("route          \(route)") }
        Terminal.line("sessions       \(result.sessions)")
        Terminal.line(
            "prompt         \(Figures.fixed(result.promptTokensPerSecond)) tokens/s (\(result.promptTokens) tokens)")
        Terminal.line(
            "answer         \(Figures.fixed(result.decodeTokensPerSecond)) tokens/s (\(result.answerTokens) tokens)")
        Terminal.line("first token    \(Figures.fixed(result.timeToFirstTokenMs)) ms")
    }
}
