internal import Engine
internal import Foundation
internal import Generation
internal import Grammars
internal import JSON
internal import Link
internal import SwiftProtobuf

/// Makes one prompt of a request: text, tokens, and what the answer is held to.
///
/// Runs on the worker's thread alone.
struct PromptPreparation {
    let model: EngineModel
    let work: PreparationWorker.Work

    /// - Throws: `Shoal_V1_PreparationFailure` for what is the request's fault.
    func prepare(_ request: Shoal_V1_PrepareRequest) throws -> Shoal_V1_PreparedPrompt {
        work.enter(.schema)
        let format = try formatGrammar(request)
        let isOwnGrammar = if case .grammar = request.format { true } else { false }
        var prepared = Shoal_V1_PreparedPrompt()
        switch request.prompt {
        case .chat(let input):
            work.enter(.template)
            let prompt = try chatPrompt(input)
            work.enter(.tokens)
            let begins = model.vocabulary.writtenEnds.beginning
            // A template that writes the first token itself must not get a second one.
            let hasBeginning = !begins.isEmpty && prompt.text.hasPrefix(begins)
            prepared.tokens = try tokens(
                of: prompt.text, addSpecial: !hasBeginning, context: request.contextLength, parameter: "messages")
            prepared.text = request.wantsText ? prompt.text : ""
            prepared.stops = prompt.stops
            prepared.form = prompt.form ?? ""
            prepared.markers = try markers(prompt.markers)
            prepared.grammar = try answerGrammar(prompt, format: format, isOwnGrammar: isOwnGrammar)
        case .plain(let plain):
            work.enter(.tokens)
            prepared.tokens = try tokens(
                of: plain.text, addSpecial: plain.addSpecial, parseSpecial: plain.parseSpecial,
                context: request.contextLength, parameter: "prompt")
            prepared.text = request.wantsText ? plain.text : ""
            prepared.grammar.grammar = format ?? ""
        case .tokens(let given):
            prepared.tokens = given.tokens
            prepared.text = request.wantsText ? text(of: given.tokens) : ""
            prepared.grammar.grammar = format ?? ""
        case nil:
            throw Shoal_V1_PreparationFailure("bad_request", "there is no prompt")
        }
        work.enter(.schema)
        try fit(&prepared.grammar, of: request)
        return prepared
    }

    /// No engine sees a grammar that could hurt it, whoever made it.
    private func fit(_ grammar: inout Shoal_V1_AnswerGrammar, of request: Shoal_V1_PrepareRequest) throws {
        guard !grammar.grammar.isEmpty else { return }
        switch request.format {
        case .grammar:
            do {
                try judge(grammar.grammar)
            } catch {
                throw Shoal_V1_PreparationFailure(
                    "bad_request", "the grammar cannot be used: \(error)", parameter: "grammar")
            }
        case .jsonSchema, .jsonObject:
            do {
                try judge(grammar.grammar)
            } catch {
                throw Shoal_V1_PreparationFailure(
                    "bad_request", "the schema makes a grammar that cannot be used: \(error.message)",
                    hint: "use a simpler schema: fewer alternatives, shorter repetitions", parameter: "response_format")
            }
        case nil: try fitTools(&grammar)
        }
    }

    private func judge(_ grammar: String) throws(GrammarError) {
        _ = try GBNFGrammar(judging: grammar, tokenCount: model.vocabulary.tokenCount)
    }

    /// Calls that may come are free where no grammar can be had for them; calls that must come need one.
    private func fitTools(_ grammar: inout Shoal_V1_AnswerGrammar) throws {
        do throws(GrammarError) {
            var text = GrammarText.withoutLooseBlanks(grammar.grammar)
            if grammar.triggers.isEmpty { text = GrammarText.withoutTextBeforeCalls(text) }
            try judge(text)
            grammar.grammar = text
        } catch {
            guard grammar.triggers.isEmpty else {
                grammar = Shoal_V1_AnswerGrammar()
                return
            }
            throw Shoal_V1_PreparationFailure(
                "bad_request", "the tools make a grammar that cannot be used: \(error.message)",
                hint: "use simpler parameters of tools", parameter: "tools")
        }
    }

    // MARK: - Chats

    private func chatPrompt(_ input: Shoal_V1_ChatInput) throws -> ChatPrompt {
        var options = ChatOptions(nowUnixSeconds: Int(input.nowUnixSeconds))
        let tools: [Tool]
        let messages: [ChatMessage]
        do throws(InferenceError) {
            options.variables = try Self.json(input.variables, "variables").entries.map { ($0.key, $0.value) }
            tools = try Tool.list(try Self.json(input.tools, "tools").array ?? [])
            messages = try ChatMessage.list(try Self.json(input.messages, "messages").array ?? [])
        } catch {
            throw Shoal_V1_PreparationFailure(
                error.code.rawValue, error.message, hint: error.hint, parameter: error.parameter)
        }
        try Self.checkStrictTools(tools)
        options.allowsParallelCalls = input.parallelToolCalls
        options.continues = input.continues
        options.readsAnswer = input.readsAnswer
        if !input.namedTool.isEmpty {
            options.toolChoice = .named(input.namedTool)
        } else if input.toolChoice == "required" {
            options.toolChoice = .required
        }
        do throws(ChatError) {
            return try work.prompter(model).prompt(Conversation(messages, tools: tools), options)
        } catch {
            throw Self.failure(error)
        }
    }

    /// A tool that is declared strict has parameters that a grammar can hold a model to.
    private static func checkStrictTools(_ tools: [Tool]) throws {
        for (index, tool) in tools.enumerated() where tool.isStrict {
            guard let parameters = tool.parameters else { continue }
            do {
                _ = try JSONGrammar.matching(schema: parameters)
            } catch {
                let name = "tools[\(index)].function.parameters"
                throw Shoal_V1_PreparationFailure(
                    "bad_request", "\(name) cannot be held to as strict demands: \(error)", parameter: name)
            }
        }
    }

    private static func json(_ text: String, _ name: String) throws(InferenceError) -> JSONValue {
        if text.isEmpty { return .null }
        do {
            return try JSONValue(parsing: text, limits: JSONLimits(depth: 256))
        } catch {
            throw .badRequest(name, "\(name): \(error)")
        }
    }

    private static func failure(_ error: ChatError) -> Shoal_V1_PreparationFailure {
        switch error.code {
        case .raised:
            .init(
                "bad_request", "the model's chat template refuses the conversation: \(error.message)",
                parameter: "messages")
        case .noToolCalls:
            .init(
                "unsupported", error.message, hint: "leave tool_choice out, or use a model with tool calls",
                parameter: "tool_choice")
        case .limit: .init("bad_request", error.message, parameter: "messages")
        case .failed where error.message.contains("JSON schema error"):
            .init("bad_request", "the parameters of a tool cannot be read: \(error.message)", parameter: "tools")
        case .lost: .init("bad_request", error.message, parameter: "messages")
        case .outOfMemory:
            .init(
                "bad_request", "making the prompt takes more memory than it may",
                hint: "send less, or use a model whose template does with less", parameter: "messages")
        default:
            .init(
                "bad_request", "the model's chat template cannot render the conversation: \(error.message)",
                hint: "check that each message has the fields that its role needs", parameter: "messages")
        }
    }

    /// The control tokens among the texts, by their number.
    private func markers(_ texts: [String]) throws -> [Int32: String] {
        var markers: [Int32: String] = [:]
        for text in texts {
            let tokens = try model.vocabulary.tokens(of: text, addSpecial: false, parseSpecial: true)
            if tokens.count == 1 { markers[tokens[0]] = text }
        }
        return markers
    }

    // MARK: - Grammars

    /// The grammar of what the answer must be; nil where it may be anything.
    private func formatGrammar(_ request: Shoal_V1_PrepareRequest) throws -> String? {
        switch request.format {
        case nil: return nil
        case .jsonObject: return JSONGrammar.object
        case .grammar(let text):
            return text
        case .jsonSchema(let text):
            do {
                return try JSONGrammar.matching(schema: Self.json(text, "schema"))
            } catch {
                throw Shoal_V1_PreparationFailure(
                    "bad_request", "the schema cannot be honoured: \(error)", parameter: "response_format")
            }
        }
    }

    private func answerGrammar(
        _ prompt: ChatPrompt, format: String?, isOwnGrammar: Bool
    ) throws -> Shoal_V1_AnswerGrammar {
        var result = Shoal_V1_AnswerGrammar()
        if let format {
            guard prompt.grammar.isEmpty || !prompt.triggers.isEmpty else {
                throw Shoal_V1_PreparationFailure(
                    "bad_request", "a required tool call and a response format exclude each other",
                    parameter: "tool_choice")
            }
            result.grammar = format
            // A model that is made to think first is held to the form behind its thoughts.
            if let end = prompt.reasoning?.ends.first, prompt.reasoning?.isOpen == true, !isOwnGrammar {
                let form = GrammarText.renaming("root", to: "form-behind-thoughts", in: format)
                result.grammar = "root ::= \(GrammarText.literal(end)) [ \\n]{0,4} form-behind-thoughts\n\(form)"
                result.triggers = [end]
                return result
            }
        } else {
            result.grammar = prompt.grammar
            result.triggers = prompt.triggers
            if prompt.triggers.isEmpty, !prompt.grammar.isEmpty {
                result.prefix = try tokens(ofBeginning: prompt.generationPrompt)
            }
        }
        if let reasoning = prompt.reasoning {
            result.reasoningStart = reasoning.start
            result.reasoningEnds = reasoning.ends
            result.startsInReasoning = reasoning.isOpen
        }
        return result
    }

    /// The prompt's end as tokens, for the grammar: a space that the tokenizer puts before is not of it.
    private func tokens(ofBeginning text: String) throws -> [Int32] {
        var tokens = try model.vocabulary.tokens(of: text, addSpecial: false, parseSpecial: true)
        if let first = tokens.first {
            let isSpace: (UInt8?) -> Bool = { $0 == 0x20 || $0 == 0x0A }
            if isSpace(model.vocabulary.bytes(of: first, special: true).first), !isSpace(text.utf8.first) {
                tokens.removeFirst()
            }
        }
        return tokens
    }

    // MARK: - Tokens

    private func tokens(
        of text: String, addSpecial: Bool, parseSpecial: Bool = true, context: UInt32, parameter: String
    ) throws -> [Int32] {
        let fewest = model.tokenBounds.fewestTokens(in: text)
        guard context == 0 || fewest <= Int(context) else {
            throw Shoal_V1_PreparationFailure(
                "context_length_exceeded",
                "the model's maximum context length is \(context) tokens, and the prompt has at least \(fewest)",
                hint: "shorten the prompt, or raise the node's context length", parameter: parameter)
        }
        return try model.vocabulary.tokens(of: text, addSpecial: addSpecial, parseSpecial: parseSpecial)
    }

    private func text(of tokens: [Int32]) -> String {
        String(
            decoding: tokens.flatMap { model.vocabulary.bytes(of: $0, special: true) }, as: UTF8.self)
    }
}
