package import ArgumentParser

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// `shoal chat`: one question, or a conversation.
package struct ChatCommand: AsyncParsableCommand {
    package static let configuration = CommandConfiguration(
        commandName: "chat",
        abstract: "Ask a model, once or in a conversation.",
        discussion: """
            With a question, prints the answer and ends; a question of “-” is read from standard input. Where there is one model, or one \
            was asked before, the question alone is enough. Without a question, asks again and again until Ctrl-D; Ctrl-C stops an \
            answer; /help lists what else can be said. The questions can be got back with the arrow keys, later too: they are kept in \
            ~/.local/state/shoal for you alone.
            The answer goes to standard output as it comes; the route it took and its speed go to standard error.
            """,
        aliases: ["run"])

    @Option(name: .long, help: "What the model is told before the conversation.")
    package var system: String?

    @Option(name: .long, help: "How freely the model picks its words, from 0 to 2 (default: the node's).")
    package var temperature: Double?

    @Option(name: .long, help: ArgumentHelp("Longest answer.", valueName: "TOKENS"))
    package var maxTokens: Int?

    @Option(name: .long, help: "Seed of the random choices, for answers that can be repeated.")
    package var seed: UInt32?

    @Flag(name: .long, help: "Keep no questions, and no note of the model.")
    package var noHistory = false

    @Flag(name: .long, help: "Show neither route nor speed.")
    package var bare = false

    @OptionGroup package var output: OutputOptions
    @OptionGroup package var connection: ConnectionOptions

    @Argument(
        help: "The model's id, as “shoal models” lists it (default: the one asked last, or the only one there is).")
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
        let memory = noHistory ? nil : ChatMemory(environment: ProcessInfo.processInfo.environment)
        try await NodeClient.with(try connection.target()) { client in
            let (model, question) = try await modelAndQuestion(client, memory)
            memory?.note(model: model)
            var conversation = Conversation(
                model: model, system: system, temperature: temperature, maximumTokens: maxTokens, seed: seed)
            if let question {
                let text = question == "-" ? Self.standardInput() : question
                let turn = try await conversation.ask(text, client: client, show: !output.json)
                if output.json { Terminal.line(try turn.json(model: model)) } else { finish(turn) }
            } else {
                try await converse(&conversation, memory, client: client)
            }
        }
    }

    /// Who is asked, and what; one argument that names no model is a question.
    private func modelAndQuestion(
        _ client: NodeClient, _ memory: ChatMemory?
    ) async throws -> (model: String, question: String?) {
        guard let model else { return (try await Self.usualModel(client, memory), nil) }
        if let question {
            if !(try await Self.models(client).contains(model)) { try await Self.refuse(model, client) }
            return (model, question)
        }
        if try await Self.models(client).contains(model) { return (model, nil) }
        if Self.isQuestion(model) { return (try await Self.usualModel(client, memory), model) }
        try await Self.refuse(model, client)
    }

    /// Says why a model cannot be asked: there is none of that name, or not all of it.
    private static func refuse(_ model: String, _ client: NodeClient) async throws -> Never {
        let models = try await KnownModels(client)
        let summary = try models.summary(of: model)
        throw CommandError(
            "\(model) cannot be asked now: it is \(summary.map(models.status) ?? "gone")",
            hint: "“shoal models” shows what is here; “shoal pull” and other nodes bring what is missing")
    }

    /// Whether a word is nothing that a model could be called.
    static func isQuestion(_ text: String) -> Bool {
        text == "-"
            || !text.utf8.allSatisfy { byte in
                (0x61...0x7A).contains(byte | 0x20) || (0x30...0x39).contains(byte) || "-._/:".utf8.contains(byte)
            }
    }

    private func converse(_ conversation: inout Conversation, _ memory: ChatMemory?, client: NodeClient) async throws {
        // The line that is typed is drawn on standard error.
        let person = Terminal.readsFromPerson && Terminal.showsProgress
        var history = person ? memory?.questions() ?? [] : []
        let interrupts = person ? await Interrupts() : nil
        defer { interrupts?.end() }
        if person { Terminal.errorLine("\(conversation.model) at \(client.target.address); /help helps, Ctrl-D ends") }
        var isAsked = false
        while true {
            guard let line = person ? TerminalLine.read("> ", history: history) : readLine() else { break }
            let said = line.trimmingPrefix(while: \.isWhitespace)
            let words = said.split(separator: " ", maxSplits: 1)
            switch (words.first ?? "", words.count > 1 ? String(words[1]) : nil) {
            case ("", _): continue
            case ("/exit", nil), ("/quit", nil), ("/bye", nil): return
            case ("/clear", nil): conversation.clear()
            case ("/help", nil): Terminal.errorLine(Self.help)
            case ("/system", let text): conversation.system = text
            case ("/model", let name):
                try await Self.reported(to: person) {
                    try await Self.choose(name, &conversation, memory, client, interrupts)
                }
            case (let word, _) where person && word.hasPrefix("/") && word.dropFirst().allSatisfy(\.isLetter):
                Terminal.error(CommandError("there is no \(word)", hint: "/help lists what there is"))
            default:
                isAsked = true
                if person, history.last != line {
                    history.append(line)
                    memory?.note(question: line)
                }
                try await Self.reported(to: person) {
                    finish(try await Self.ask(line, &conversation, client, interrupts))
                }
            }
        }
        if person { return }
        guard isAsked else {
            throw CommandError(
                "nothing was asked",
                hint: "“shoal chat \(conversation.model) QUESTION”, or questions on standard input, a line each")
        }
    }

    /// Does something for a person, whom an error or an interrupt is no reason to end the conversation.
    private static func reported(to person: Bool, _ body: () async throws -> Void) async throws {
        do {
            try await body()
        } catch let error as CommandError where person {
            Terminal.error(error)
        } catch is CancellationError where person {
            Terminal.errorLine("stopped")
        }
    }

    /// Has another model answer, or lists those that there are; an interrupt stops it.
    private static func choose(
        _ name: String?, _ conversation: inout Conversation, _ memory: ChatMemory?, _ client: NodeClient,
        _ interrupts: Interrupts?
    ) async throws {
        let models = try await stopping(interrupts) { try await Self.models(client) }
        guard let name else {
            return Terminal.errorLine("\(conversation.model), of \(models.joined(separator: ", "))")
        }
        guard models.contains(name) else {
            return Terminal.error(
                CommandError("there is no model \(name)", hint: "/model lists those that there are"))
        }
        conversation.model = name
        memory?.note(model: name)
    }

    /// Asks; an interrupt stops the answer.
    private static func ask(
        _ line: String, _ conversation: inout Conversation, _ client: NodeClient, _ interrupts: Interrupts?
    ) async throws -> Conversation.Turn {
        let (copy, turn) = try await stopping(interrupts) { [conversation] in
            var copy = conversation
            let turn = try await copy.ask(line, client: client, show: true)
            return (copy, turn)
        }
        conversation = copy
        return turn
    }

    private static func stopping<Result: Sendable>(
        _ interrupts: Interrupts?, _ body: @escaping @Sendable () async throws -> Result
    ) async throws -> Result {
        guard let interrupts else { return try await body() }
        return try await interrupts.stopping(body)
    }

    private static let help = """
        /clear         forget what was said
        /system TEXT   tell the model something before the conversation, which begins anew
        /model NAME    have another model answer; without a name, list the models
        /exit, /bye    end, like Ctrl-D
        Ctrl-C         stop an answer, or give up the line
        arrow keys     edit the line, or get back a former one
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

    /// The only model there is, or the one that was asked last.
    private static func usualModel(_ client: NodeClient, _ memory: ChatMemory?) async throws -> String {
        let ids = try await models(client)
        if ids.count == 1 { return ids[0] }
        if let last = memory?.model(), ids.contains(last) { return last }
        guard !ids.isEmpty else {
            throw CommandError(
                "\(client.target.address) has no model",
                hint: "“shoal pull OWNER/NAME” or “shoal import FILE.gguf” adds one")
        }
        throw CommandError(
            "which model? \(client.target.address) has \(ids.joined(separator: ", "))",
            hint: "“shoal chat \(ids[0])” asks the first")
    }
}
