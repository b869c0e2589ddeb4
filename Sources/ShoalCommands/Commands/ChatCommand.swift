package import ArgumentParser

/// `shoal chat`: one question, or a conversation.
package struct ChatCommand: AsyncParsableCommand {
    package static let configuration = CommandConfiguration(
        commandName: "chat",
        abstract: "Ask a model, once or in a conversation.",
        discussion: """
            With a question, prints the answer and ends; a question of “-” is read from standard input. Where there is one model, \
            the question alone is enough. Without a question, asks again and again until Ctrl-D; /help lists what else can be said then.
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
        if output.json && question == nil && !(model.map(Self.isQuestion) ?? false) {
            throw ValidationError("--json needs a question")
        }
    }

    package func run() async throws {
        try await NodeClient.with(try connection.target()) { client in
            let (model, question) = try await modelAndQuestion(client)
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

    /// Who is asked, and what; one argument that names no model is a question.
    private func modelAndQuestion(_ client: NodeClient) async throws -> (model: String, question: String?) {
        guard let model else { return (try await Self.onlyModel(client), nil) }
        if let question { return (model, question) }
        let models = try await Self.models(client)
        if models.contains(model) { return (model, nil) }
        if Self.isQuestion(model) { return (try await Self.onlyModel(client), model) }
        throw CommandError(
            "\(client.target.address) has no model \(model)",
            hint: models.isEmpty
                ? "“shoal import FILE.gguf” adds one"
                : "there \(models.count == 1 ? "is" : "are") \(models.joined(separator: ", "))")
    }

    /// Whether a word is nothing that a model could be called.
    static func isQuestion(_ text: String) -> Bool {
        !text.utf8.allSatisfy { byte in
            (0x61...0x7A).contains(byte | 0x20) || (0x30...0x39).contains(byte) || "-._/:".utf8.contains(byte)
        }
    }

    private func converse(_ conversation: inout Conversation, client: NodeClient) async throws {
        let person = Terminal.readsFromPerson
        if person { Terminal.errorLine("\(conversation.model) at \(client.target.address); /help helps, Ctrl-D ends") }
        var isAsked = false
        while true {
            if person { Terminal.writeError("> ") }
            guard let line = readLine() else { break }
            let said = line.trimmingPrefix(while: \.isWhitespace)
            let words = said.split(separator: " ", maxSplits: 1)
            switch (words.first ?? "", words.count > 1 ? String(words[1]) : nil) {
            case ("", _): continue
            case ("/exit", nil), ("/quit", nil), ("/bye", nil): return
            case ("/clear", nil): conversation.clear()
            case ("/help", nil): Terminal.errorLine(Self.help)
            case ("/system", let text): conversation.system = text
            case ("/model", nil):
                Terminal.errorLine("\(conversation.model), of \(try await Self.models(client).joined(separator: ", "))")
            case ("/model", let name?):
                if try await Self.models(client).contains(name) {
                    conversation.model = name
                } else {
                    Terminal.error(CommandError("there is no model \(name)", hint: "/model lists those that there are"))
                }
            case (let word, _) where person && word.hasPrefix("/") && word.dropFirst().allSatisfy(\.isLetter):
                Terminal.error(CommandError("there is no \(word)", hint: "/help lists what there is"))
            default:
                isAsked = true
                do {
                    finish(try await conversation.ask(line, client: client, show: true))
                } catch let error as CommandError where person {
                    Terminal.error(error)
                }
            }
        }
        if person { return Terminal.errorLine("") }
        guard isAsked else {
            throw CommandError(
                "nothing was asked",
                hint: "“shoal chat \(conversation.model) QUESTION”, or questions on standard input, a line each")
        }
    }

    private static let help = """
        /clear         forget what was said
        /system TEXT   tell the model something before the conversation, which begins anew
        /model NAME    have another model answer; without a name, list the models
        /exit, /bye    end, like Ctrl-D
        """

    private func finish(_ turn: Conversation.Turn) {
        Terminal.newLine()
        if !bare { Terminal.errorLine(turn.summary) }
    }

    private static func standardInput() -> String {
        var lines: [String] = []
        while let line = readLine() { lines.append(line) }
        return lines.joined(separator: "\n")
    }

    private static func models(_ client: NodeClient) async throws -> [String] {
        let models: ServedModels = try await client.get("/v1/models")
        return models.data.map(\.id)
    }

    private static func onlyModel(_ client: NodeClient) async throws -> String {
        let ids = try await models(client)
        switch ids.count {
        case 1: return ids[0]
        case 0:
            throw CommandError("\(client.target.address) has no model", hint: "“shoal import FILE.gguf” adds one")
        default:
            throw CommandError("which model? \(client.target.address) has \(ids.joined(separator: ", "))")
        }
    }
}
