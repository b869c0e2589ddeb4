package import Generation
internal import JSON

/// A conversation and its tools in the one form that every template is given first; what clients send in many.
package struct Conversation: Sendable {
    /// One message.
    struct Message: Sendable {
        struct Call: Sendable {
            var id: String
            var name: String
            /// The arguments as the client wrote them: JSON, or what should have been.
            var arguments: String
        }

        var role: ChatMessage.Role
        var content: String { didSet { parts = [] } }
        /// The texts that the content was sent in, where these are several and the user's; for templates that want to see them.
        private(set) var parts: [String] = []
        var reasoning: String?
        var calls: [Call] = []
        /// The call that a tool's result answers.
        var callID: String?
        /// Who speaks; of a tool's result, the tool.
        var name: String?
    }

    /// How the model is told of its tools.
    enum Telling: Sendable {
        /// By the template, which also writes calls and results.
        case template
        /// In the text that sets the rules; the template writes calls and results.
        case list
        /// In the text that sets the rules; calls and results are texts too.
        case text
    }

    var messages: [Message]
    /// Functions, each with name, description and parameters.
    var tools: [JSONValue]
    var telling = Telling.template
    /// The template wants the functions as one text, in a variable.
    var givesFunctions = false

    /// - Throws: ``ChatError`` with `failed` where there is nothing to answer, or something that no template can be given.
    package init(_ messages: [ChatMessage], tools: [Tool]) throws(ChatError) {
        guard !messages.isEmpty else { throw ChatError(.failed, "there are no messages") }
        self.messages = []
        var names: [String: String] = [:]
        for (index, message) in messages.enumerated() {
            var message = try Message(message, index: index)
            for call in message.calls { names[call.id] = call.name }
            if message.role == .tool, message.name == nil { message.name = message.callID.flatMap { names[$0] } }
            self.messages.append(message)
        }
        self.tools = tools.map(Self.function)
        mergeLeadingSystemMessages()
    }

    /// Several messages that set the rules become one: most templates know one, and at the beginning.
    private mutating func mergeLeadingSystemMessages() {
        let count = messages.prefix(while: \.setsRules).count
        guard count > 1 else { return }
        messages[0].content = messages.prefix(count).map(\.content).joined(separator: "\n\n")
        messages.removeSubrange(1..<count)
    }

    /// A tool's function with everything that templates ask for.
    private static func function(_ tool: Tool) -> JSONValue {
        var parameters = tool.parameters ?? [:]
        if parameters.entries.isEmpty { parameters = ["type": "object", "properties": [:]] }
        return [
            "name": .string(tool.name), "description": .string(tool.description), "parameters": parameters,
        ]
    }
}

extension Conversation.Message {
    /// The parts where the template tells parts from texts, else the text.
    fileprivate func contentJSON(_ capabilities: ChatCapabilities) -> JSONValue {
        func text(_ text: String) -> JSONValue { .string(capabilities.trimsTexts ? text.trimmed : text) }
        guard !parts.isEmpty, capabilities.typedContent else { return text(content) }
        return .array(parts.map { ["type": "text", "text": text($0)] })
    }

    fileprivate init(_ message: ChatMessage, index: Int) throws(ChatError) {
        let texts = message.texts
        guard texts.count == message.parts.count else {
            throw ChatError(.failed, "messages[\(index)] holds something that is no text")
        }
        role = message.role
        // The library joins parts in the same way where a template takes texts only.
        content = texts.joined(separator: "\n")
        if role == .user, texts.count > 1 { parts = texts }
        reasoning = message.reasoning
        callID = message.toolCallID
        name = message.name
        calls = message.toolCalls.enumerated().map { number, call in
            Call(id: call.id ?? "call\(index)x\(number)", name: call.name, arguments: call.arguments)
        }
    }
}

// MARK: - What the library is given

extension Conversation {
    /// The messages in the library's form.
    func json(_ capabilities: ChatCapabilities, numbers: inout KeptNumbers) -> JSONValue {
        var result: [JSONValue] = []
        for message in messages {
            var fields: [(String, JSONValue)] = [
                ("role", .string(message.role.rawValue)),
                ("content", message.contentJSON(capabilities)),
            ]
            if let reasoning = message.reasoning {
                fields.append(("reasoning_content", .string(capabilities.trimsTexts ? reasoning.trimmed : reasoning)))
            }
            if let name = message.name { fields.append(("name", .string(name))) }
            if let id = message.callID { fields.append(("tool_call_id", .string(id))) }
            if !message.calls.isEmpty {
                let calls = message.calls.map { call -> JSONValue in
                    let written = Self.written(call.arguments, capabilities, &numbers)
                    return [
                        "type": "function", "function": ["name": .string(call.name), "arguments": written],
                        "id": .string(call.id),
                    ]
                }
                fields.append(("tool_calls", .array(calls)))
            }
            result.append(.object(fields))
        }
        return .array(result)
    }

    /// Arguments as an object where the template wants one; what is no object stays a text.
    private static func written(
        _ arguments: String, _ capabilities: ChatCapabilities, _ numbers: inout KeptNumbers
    ) -> JSONValue {
        let text = arguments.trimmed.isEmpty ? "{}" : arguments
        guard capabilities.objectArguments, let parsed = try? JSONValue(parsing: text), parsed.object != nil else {
            return .string(text)
        }
        return numbers.hidden(parsed)
    }

    /// A text that the prompt has to hold.
    struct RequiredText {
        var text: String
        /// What is looked for where the text itself is not there: templates take JSON apart.
        var pieces: [String] = []
        /// The text stands behind what was found last, and not only in the list of tools.
        var isCall = false
    }

    /// Texts that the prompt has to hold; what the model thought in earlier turns may go, as templates have it.
    ///
    /// - Parameter reasoningEnds: What stands between thoughts and answer, where a client sends both as one text.
    func texts(reasoningEnds: [String]) -> [RequiredText] {
        var required: [RequiredText] = []
        for message in messages {
            required += message.calls.map { RequiredText(text: $0.name, isCall: true) }
            var content = message.content[...]
            if message.role == .assistant {
                for end in reasoningEnds + ["</think>"] {
                    if let found = content.ranges(of: end).last { content = content[found.upperBound...] }
                }
            }
            var text = RequiredText(text: String(content))
            if message.role == .tool, let json = try? JSONValue(parsing: text.text),
                json.object != nil || json.array != nil
            {
                Self.collect(json, numbers: true, into: &text.pieces)
            } else {
                text.pieces = message.parts
            }
            required.append(text)
            for call in message.calls {
                var texts: [String] = []
                if let arguments = try? JSONValue(parsing: call.arguments), arguments.object != nil {
                    Self.collect(arguments, numbers: false, into: &texts)
                }
                required += texts.map { RequiredText(text: $0) }
            }
        }
        return required + tools.map { RequiredText(text: $0["name"]?.string ?? "") }
    }

    /// Every text that may come into the prompt, as it is written.
    var everything: [String] {
        messages.flatMap { message in
            [message.content, message.reasoning ?? "", message.name ?? "", message.callID ?? ""]
                + message.calls.flatMap { [$0.id, $0.name, $0.arguments] }
        } + tools.map { $0.serialized() }
    }

    private static func collect(_ value: JSONValue, numbers: Bool, into texts: inout [String]) {
        switch value {
        case .string(let text): texts.append(text)
        case .array(let elements): for element in elements { collect(element, numbers: numbers, into: &texts) }
        case .object: for member in value.entries { collect(member.value, numbers: numbers, into: &texts) }
        case .integer, .number, .literal: if numbers { texts.append(value.serialized()) }
        default: break
        }
    }
}

extension String {
    /// Without white space around it.
    var trimmed: String {
        let isSpace: (Unicode.Scalar) -> Bool = { $0.properties.isWhitespace }
        let scalars = unicodeScalars
        guard let first = scalars.firstIndex(where: { !isSpace($0) }),
            let last = scalars.lastIndex(where: { !isSpace($0) })
        else { return "" }
        return String(scalars[first...last])
    }
}
