internal import Foundation
internal import Generation
internal import JSON

/// Makes prompts of conversations with one model's templates.
///
/// A template that refuses a conversation, or leaves a part of it out, is given it in other forms until one stands in the prompt
/// with every text. Confined to one thread at a time.
package final class ChatPrompter {
    package let templates: ChatTemplates
    /// What was wrong with a conversation, and what could be done about it.
    private struct Symptom: Hashable {
        /// What the template said; nothing where it left something out.
        let message: String
        let fitting: [Mending]
    }

    /// What has helped before: tried first the next time.
    private var known: [Symptom: [Mending]] = [:]
    private lazy var orders = Mending.orders(templates.capabilities)
    private lazy var ownCallForm = CallFormCheck(templates: templates).chosen()
    /// The most forms that are tried for one conversation.
    private static let maximumTries = 60
    /// What trying may take; a conversation that is so large is not tried in many forms.
    private static let maximumTime = Duration.milliseconds(400)
    private static let maximumKnown = 32
    /// What a conversation is made of; clients cannot put something else in its place.
    private static let ownVariables: Set<String> = [
        "messages", "tools", "add_generation_prompt", "bos_token", "eos_token",
    ]

    package init(_ templates: ChatTemplates) { self.templates = templates }

    /// - Throws: ``ChatError`` of the form that was sent, where no other one does.
    package func prompt(_ conversation: Conversation, _ options: ChatOptions) throws(ChatError) -> ChatPrompt {
        try Self.check(conversation, options)
        let firstError: ChatError
        do throws(ChatError) {
            return try render(conversation, options)
        } catch {
            guard Self.mayBeMended(error) else { throw error }
            firstError = error
        }
        let fitting = Mending.allCases.filter { $0.apply(to: conversation) != nil }
        let symptom = Symptom(message: firstError.code == .lost ? "" : firstError.message, fitting: fitting)
        let helped = known[symptom].map { [$0] } ?? []
        var tries = 0
        let clock = ContinuousClock()
        let end = clock.now + Self.maximumTime
        for mendings in helped + orders where tries < Self.maximumTries && clock.now < end {
            guard let form = mended(conversation, by: mendings, options) else { continue }
            tries += 1
            do throws(ChatError) {
                let prompt = try render(form, options)
                if known.count < Self.maximumKnown || known[symptom] != nil { known[symptom] = mendings }
                return prompt
            } catch {
                guard Self.mayBeMended(error) else { throw error }
            }
        }
        throw firstError
    }

    private static func mayBeMended(_ error: ChatError) -> Bool {
        // What the library cannot make a grammar of stays so in every form.
        error.code != .outOfMemory && error.code != .limit && !error.message.contains("JSON schema error")
    }

    /// - Throws: ``ChatError`` with `failed` for what no template can be given.
    private static func check(_ conversation: Conversation, _ options: ChatOptions) throws(ChatError) {
        for (name, _) in options.variables where ownVariables.contains(name) {
            throw ChatError(.failed, "the template's variable \(name) cannot be set: it is made of the conversation")
        }
        switch options.toolChoice {
        case .auto, .none: break
        case .required:
            guard !conversation.tools.isEmpty else {
                throw ChatError(.noToolCalls, "a tool call is required, but there are no tools")
            }
        case .named(let name):
            guard conversation.tools.contains(where: { $0["name"]?.string == name }) else {
                throw ChatError(.noToolCalls, "the tool \(name) is required, but is not among the tools")
            }
        }
        if options.continues, let last = conversation.messages.last, last.role != .assistant || !last.calls.isEmpty {
            throw ChatError(.failed, "only a text of the assistant's can be continued, and it must be the last message")
        }
    }

    private func mended(
        _ conversation: Conversation, by mendings: [Mending], _ options: ChatOptions
    ) -> Conversation? {
        var form = conversation
        // What is to be continued stays the last message.
        let begun = options.continues ? form.messages.popLast() : nil
        for mending in mendings {
            guard let next = mending.apply(to: form) else { return nil }
            form = next
        }
        if let begun { form.messages.append(begun) }
        return form
    }

    // MARK: - One form

    private func render(_ conversation: Conversation, _ options: ChatOptions) throws(ChatError) -> ChatPrompt {
        let hasTools = !conversation.tools.isEmpty
        let source = templates.source
        var numbers = KeptNumbers { conversation.everything + [source] }
        let callForm =
            hasTools ? (conversation.telling == .text ? CallForm(borrowed: .toolCall) : ownCallForm) : nil
        let request = ChatRequest(conversation: conversation, options: options, callForm: callForm)
            .json(templates.capabilities, &numbers)
        let made: JSONValue
        do {
            made = try templates.apply(request)
        } catch  where error.code == .failed && !hasTools && !options.continues {
            // A template whose answers the library cannot take apart still makes prompts.
            var request = request
            request["only_prompt"] = true
            made = try templates.apply(request)
        }
        let text = numbers.restored(in: made["prompt"]?.string ?? "")
        var prompt = ChatPrompt(text: text)
        prompt.generationPrompt = made["generation_prompt"]?.string ?? ""
        prompt.markers = Self.strings(made["preserved"])
        prompt.stops = Self.strings(made["stops"])
        prompt.reasoning = Self.reasoning(in: made)
        var texts = PromptTexts(text)
        for part in conversation.texts(reasoningEnds: prompt.reasoning?.ends ?? [])
        where part.isCall ? !texts.follows(part.text) : !texts.contains(part.text) {
            if !part.pieces.isEmpty, part.pieces.allSatisfy({ texts.contains($0) }) { continue }
            throw ChatError(
                .lost,
                "the model's chat template leaves out a part of the conversation: \(part.text.trimmed.prefix(60))")
        }
        if hasTools { try hold(&prompt, to: made, numbers: numbers, options: options) }
        if options.readsAnswer, made["is_plain"]?.bool != true { prompt.form = made["form"]?.string }
        return prompt
    }

    /// Takes over the grammar for calls, where it can be held to.
    private func hold(
        _ prompt: inout ChatPrompt, to made: JSONValue, numbers: KeptNumbers, options: ChatOptions
    ) throws(ChatError) {
        let grammar = made["grammar"]?.string ?? ""
        guard !grammar.isEmpty else {
            guard !options.toolChoice.isBinding else {
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

    private static func reasoning(in made: JSONValue) -> ReasoningMarks? {
        guard made["thinks"]?.bool == true else { return nil }
        let start = (made["thinking_start"]?.string ?? "").trimmed
        let ends = strings(made["thinking_ends"]).map(\.trimmed).filter { !$0.isEmpty }
        let begun = made["generation_prompt"]?.string ?? ""
        let isOpen =
            !start.isEmpty
            && (begun.range(of: start, options: .backwards).map { opened in
                !ends.contains { begun[opened.upperBound...].contains($0) }
            } ?? false)
        return ReasoningMarks(start: start, ends: ends, isOpen: isOpen)
    }

    private static func strings(_ value: JSONValue?) -> [String] { (value?.array ?? []).compactMap(\.string) }
}
