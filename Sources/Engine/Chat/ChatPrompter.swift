internal import Foundation
package import JSON

/// What a chat asks for besides its messages.
package struct ChatOptions: Sendable {
    package enum ToolChoice: Sendable, Equatable {
        case auto
        case required
        /// Only this one, and it must be.
        case named(String)
    }

    package var toolChoice = ToolChoice.auto
    package var allowsParallelCalls = true
    /// Further variables of the template, `enable_thinking` and `reasoning_effort` among them.
    package var variables: [(String, JSONValue)] = []
    /// The last message is the beginning of the answer.
    package var continues = false
    /// Reasoning and calls are taken out of the text.
    package var readsAnswer = true
    /// Seconds since 1970, for templates that print the date.
    package var nowUnixSeconds: Int

    package init(nowUnixSeconds: Int) { self.nowUnixSeconds = nowUnixSeconds }
}

/// A conversation as a prompt, and how its answer is held to a form and read.
package struct ChatPrompt: Sendable {
    package var text: String
    /// GBNF; empty for none.
    package var grammar = ""
    /// The grammar holds from the first of these texts on; empty: from the beginning.
    package var triggers: [String] = []
    /// What the template has written of the answer; a grammar that holds from the beginning begins with it.
    package var generationPrompt = ""
    /// Texts that may be control tokens and that the reader of the answer has to see.
    package var markers: [String] = []
    package var stops: [String] = []
    /// Where the model thinks: nil where it does not.
    package var reasoning: ReasoningMarks?
    /// What ``AnswerReader`` is made of; nil: all of the answer is text.
    package var form: String?
}

/// The texts around a model's reasoning.
package struct ReasoningMarks: Sendable, Equatable {
    package var start: String
    package var ends: [String]
    /// The prompt ends inside of reasoning.
    package var isOpen: Bool
}

/// Makes prompts of conversations with one model's templates.
///
/// A template that refuses a conversation, or leaves a part of it out, is given it in other forms until one stands in the prompt
/// with every text.
package final class ChatPrompter {
    package let templates: ChatTemplates
    /// Forms that a template was found to need are tried first from then on.
    private var usual: [[Mending]] = []
    /// The most forms that are tried for one conversation.
    private static let maximumTries = 24

    package init(_ templates: ChatTemplates) { self.templates = templates }

    /// - Throws: ``ChatError`` of the form that was sent, where no other one does.
    package func prompt(_ conversation: Conversation, _ options: ChatOptions) throws(ChatError) -> ChatPrompt {
        var firstError: ChatError?
        var tries = 0
        var queue: [[Mending]] = [[]] + usual
        var seen: Set<[Mending]> = []
        while !queue.isEmpty, tries < Self.maximumTries {
            let mendings = queue.removeFirst()
            guard seen.insert(mendings).inserted, let form = mended(conversation, by: mendings) else { continue }
            tries += 1
            do throws(ChatError) {
                let prompt = try render(form, options)
                if !mendings.isEmpty, !usual.contains(mendings) { usual = Array(([mendings] + usual).prefix(4)) }
                return prompt
            } catch {
                if error.code == .outOfMemory || error.code == .noToolCalls { throw error }
                firstError = firstError ?? error
                // One more change at a time, in order: the list of forms is that of the subsets, smallest first.
                let rest =
                    mendings.last.map { last in
                        Mending.allCases.drop { $0 != last }.dropFirst()
                    } ?? Mending.allCases[...]
                queue += rest.map { mendings + [$0] }
            }
        }
        throw firstError ?? ChatError(.failed, "the template cannot be used")
    }

    private func mended(_ conversation: Conversation, by mendings: [Mending]) -> Conversation? {
        var form = conversation
        for mending in mendings {
            guard let next = mending.apply(to: form) else { return nil }
            form = next
        }
        return form
    }

    // MARK: - One form

    private func render(_ conversation: Conversation, _ options: ChatOptions) throws(ChatError) -> ChatPrompt {
        var numbers = KeptNumbers()
        let request = request(conversation, options, &numbers)
        let made: JSONValue
        do {
            made = try templates.apply(request)
        } catch  where error.code == .failed && conversation.tools.isEmpty {
            // A template whose answers the library cannot take apart still makes prompts.
            var request = request
            request["only_prompt"] = true
            made = try templates.apply(request)
        }
        let text = numbers.restored(in: made["prompt"]?.string ?? "")
        var texts = PromptTexts(text)
        for part in conversation.texts where !texts.contains(part) {
            throw ChatError(
                .lost, "the model's chat template leaves out a part of the conversation: \(part.trimmed.prefix(60))")
        }
        var prompt = ChatPrompt(text: text)
        let grammar = made["grammar"]?.string ?? ""
        prompt.generationPrompt = made["generation_prompt"]?.string ?? ""
        prompt.markers = Self.strings(made["preserved"])
        prompt.stops = Self.strings(made["stops"])
        prompt.reasoning = Self.reasoning(in: made, prompt: text)
        if !conversation.tools.isEmpty {
            try hold(&prompt, to: grammar, numbers: numbers, made: made, options: options)
        } else if options.toolChoice != .auto {
            throw ChatError(.noToolCalls, "the model's chat template knows no tool calls that could be required")
        }
        let isRead = options.readsAnswer && (prompt.reasoning != nil || !conversation.tools.isEmpty)
        if isRead, var form = made["form"] {
            form["reasoning"] = "deepseek"
            form["tools"] = .bool(!conversation.tools.isEmpty)
            prompt.form = form.serialized()
        }
        return prompt
    }

    /// Takes over the grammar for calls, where it can be held to.
    private func hold(
        _ prompt: inout ChatPrompt, to grammar: String, numbers: KeptNumbers, made: JSONValue, options: ChatOptions
    ) throws(ChatError) {
        guard !grammar.isEmpty else {
            guard options.toolChoice == .auto else {
                throw ChatError(.noToolCalls, "the model's chat template knows no tool calls that could be required")
            }
            return
        }
        guard made["is_lazy"]?.bool == true else {
            prompt.grammar = numbers.restored(in: grammar)
            return
        }
        // Triggers that are patterns would have to be searched in all of the answer again and again: such calls are free.
        let triggers = made["triggers"]?.array ?? []
        let words = triggers.filter { $0["kind"]?.integer == 1 }.compactMap { $0["value"]?.string }
        guard words.count == triggers.count, !words.isEmpty else { return }
        prompt.grammar = numbers.restored(in: grammar)
        prompt.triggers = words
    }

    private func request(
        _ conversation: Conversation, _ options: ChatOptions, _ numbers: inout KeptNumbers
    ) -> JSONValue {
        var conversation = conversation
        if !templates.capabilities.systemRole { conversation.moveRulesIntoNext() }
        var fields: [(String, JSONValue)] = [
            ("messages", conversation.json(templates.capabilities, arguments: .asSent, numbers: &numbers)),
            ("now", .integer(options.nowUnixSeconds)), ("continues", .bool(options.continues)),
            ("parallel_tool_calls", .bool(options.allowsParallelCalls)),
        ]
        if !conversation.tools.isEmpty {
            let tools = conversation.toolsJSON(numbers: &numbers)
            fields.append(("tools", tools))
            if options.toolChoice != .auto { fields.append(("tool_choice", "required")) }
            if case .named(let name) = options.toolChoice {
                fields.append(
                    ("only_tools", .array((tools.array ?? []).filter { $0["function"]?["name"]?.string == name })))
            }
        }
        var variables = ChatDate(unixSeconds: options.nowUnixSeconds).variables
        for (name, value) in options.variables {
            if name == "enable_thinking", let thinks = value.bool { fields.append(("enable_thinking", .bool(thinks))) }
            variables.append((name, value))
        }
        fields.append(("variables", .object(variables)))
        return .object(fields)
    }

    private static func reasoning(in made: JSONValue, prompt: String) -> ReasoningMarks? {
        guard made["thinks"]?.bool == true else { return nil }
        let start = (made["thinking_start"]?.string ?? "").trimmed
        let ends = strings(made["thinking_ends"]).map(\.trimmed).filter { !$0.isEmpty }
        let begun = made["generation_prompt"]?.string ?? ""
        let isOpen =
            !start.isEmpty
            && (begun.range(of: start).map { opened in
                !ends.contains { begun[opened.upperBound...].contains($0) }
            } ?? false)
        return ReasoningMarks(start: start, ends: ends, isOpen: isOpen)
    }

    private static func strings(_ value: JSONValue?) -> [String] { (value?.array ?? []).compactMap(\.string) }
}

extension Conversation {
    /// For templates that know nobody who sets rules: their text goes before that of the next message.
    fileprivate mutating func moveRulesIntoNext() {
        guard let first = messages.first, first.setsRules else { return }
        if messages.count > 1 {
            messages[1].content = first.content + "\n" + messages[1].content
            messages.removeFirst()
        } else {
            messages[0].role = "user"
        }
    }
}
