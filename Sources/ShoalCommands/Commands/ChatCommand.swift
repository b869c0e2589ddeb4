package import ArgumentParser

/// `shoal chat`: one question, or a conversation.
package struct ChatCommand: AsyncParsableCommand {
    package static let configuration = CommandConfiguration(
        commandName: "chat",
        abstract: "Ask a model, once or in a conversation.",
        discussion: """
            With a question, prints the answer and ends; a question of “-” is read from standard input. Without one, \
            asks again and again until Ctrl-D. In a conversation, /clear forgets what was said and /exit ends.
            The answer goes to standard output as it comes; the route it took and its speed go to standard error.
            """)

    @Option(name: .long, help: "What the model is told before the conversation.")
    package var system: String?

    @Option(name: .long, help: "How freely the model picks its words, from 0 to 2 (default: the node's).")
    package var temperature: Double?

    @Option(name: .long, help: ArgumentHelp("Longest answer.", valueName: "TOKENS"))
    package var maxTokens: Int?

    @Option(name: .long, help: "Seed of the random choices, for answers that can be repeated.")
    package var seed: UInt32?

    @Flag(name: .long, help: "Show neither route nor speed.")
    package var bare = false

    @OptionGroup package var output: OutputOptions
    @OptionGroup package var connection: ConnectionOptions

    @Argument(help: "The model's id, as “shoal models” lists it (default: the only one there is).")
    package var model: String?

    @Argument(help: "The question; without it, a conversation begins.")
    package var question: String?

    package init() {}

    package mutating func validate() throws {
        if let temperature, !(0...2).contains(temperature) {
            throw ValidationError("--temperature must be from 0 to 2, not \(temperature)")
        }
        if let maxTokens, maxTokens < 1 { throw ValidationError("--max-tokens must be at least 1, not \(maxTokens)") }
        if output.json && question == nil { throw ValidationError("--json needs a question") }
    }

    package func run() async throws {
        try await NodeClient.with(try connection.target()) { client in
            let model = if let given = self.model { given } else { try await Self.onlyModel(client) }
            var conversation = Conversation(
                model: model, system: system, temperature: temperature, maximumTokens: maxTokens, seed: seed)
            if let question {
                let text = question == "-" ? Self.standardInput() : question
                let turn = try await conversation.ask(text, client: client, show: !output.json)
                if output.json { Terminal.line(try turn.json(model: model)) } else { finish(turn) }
            } else {
                try await converse(&conversation, client: client)
            }
        }
    }

    private func converse(_ conversation: inout Conversation, client: NodeClient) async throws {
        let person = Terminal.readsFromPerson
        if person { Terminal.errorLine("\(conversation.model) at \(client.target.address); /exit or Ctrl-D ends") }
        while true {
            if person { Terminal.writeError("> ") }
            guard let line = readLine() else { break }
            switch line.trimmingPrefix(while: \.isWhitespace) {
            case "": continue
            case "/exit", "/quit", "/bye": return
            case "/clear": conversation.clear()
            default:
                do {
                    finish(try await conversation.ask(line, client: client, show: true))
                } catch let error as CommandError where person {
                    Terminal.error(error)
                }
            }
        }
        if person { Terminal.errorLine("") }
    }

    private func finish(_ turn: Conversation.Turn) {
        Terminal.newLine()
        if !bare { Terminal.errorLine(turn.summary) }
    }

    private static func standardInput() -> String {
        var lines: [String] = []
        while let line = readLine() { lines.append(line) }
        return lines.joined(separator: "\n")
    }

    private static func onlyModel(_ client: NodeClient) async throws -> String {
        let models: ServedModels = try await client.get("/v1/models")
        let ids = models.data.map(\.id)
        switch ids.count {
        case 1: return ids[0]
        case 0:
            throw CommandError("\(client.target.address) has no model", hint: "“shoal import FILE.gguf” adds one")
        default:
            throw CommandError("which model? \(client.target.address) has \(ids.joined(separator: ", "))")
        }
    }
}
