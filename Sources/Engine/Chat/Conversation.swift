package import JSON

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

        var role: String
        var content: String
        var reasoning: String?
        var calls: [Call] = []
        /// The call that a tool's result answers.
        var callID: String?
        /// Who speaks; of a tool's result, the tool.
        var name: String?
    }

    var messages: [Message]
    /// Functions, each with name, description and parameters.
    var tools: [JSONValue]

    /// Reads messages and tools in OpenAI's form.
    ///
    /// - Throws: ``ChatError`` with `failed` that names the message.
    package init(messages: JSONValue, tools: JSONValue) throws(ChatError) {
        self.messages = []
        var names: [String: String] = [:]
        for (index, message) in (messages.array ?? []).enumerated() {
            var read = try Message(message, index: index)
            for call in read.calls { names[call.id] = call.name }
            if read.role == "tool", read.name == nil { read.name = read.callID.flatMap { names[$0] } }
            self.messages.append(read)
        }
        guard !self.messages.isEmpty else { throw ChatError(.failed, "there are no messages") }
        self.tools = (tools.array ?? []).map(Self.function)
        mergeLeadingSystemMessages()
    }

    /// Several messages that set the rules become one: most templates know one, and at the beginning.
    private mutating func mergeLeadingSystemMessages() {
        let count = messages.prefix { $0.role == "system" || $0.role == "developer" }.count
        guard count > 1 else { return }
        messages[0].content = messages.prefix(count).map(\.content).joined(separator: "\n\n")
        messages.removeSubrange(1..<count)
    }

    /// A tool's function with everything that templates ask for.
    private static func function(_ tool: JSONValue) -> JSONValue {
        let given = tool["function"] ?? tool
        var parameters = given["parameters"] ?? .null
        if parameters.isNull || (parameters.object != nil && parameters.entries.isEmpty) {
            parameters = ["type": "object", "properties": [:]]
        }
        return [
            "name": given["name"] ?? "", "description": .string(given["description"]?.string ?? ""),
            "parameters": parameters,
        ]
    }
}

extension Conversation.Message {
    fileprivate init(_ message: JSONValue, index: Int) throws(ChatError) {
        guard let role = message["role"]?.string else { throw ChatError(.failed, "messages[\(index)] has no role") }
        self.role = role
        switch message["content"] {
        case .string(let text)?: content = text
        case .array(let parts)?:
            // The library joins parts in the same way where a template takes texts only.
            content = parts.compactMap { $0["text"]?.string ?? $0["refusal"]?.string }.joined(separator: "\n")
        default: content = ""
        }
        let thought = message["reasoning_content"]?.string ?? message["reasoning"]?.string
        reasoning = thought?.isEmpty == false ? thought : nil
        callID = message["tool_call_id"]?.string
        name = message["name"]?.string
        for (number, call) in (message["tool_calls"]?.array ?? []).enumerated() {
            let function = call["function"] ?? .null
            let arguments: String =
                switch function["arguments"] {
                case .string(let text)?: text
                case nil, .null?: ""
                case let value?: value.serialized()
                }
            calls.append(
                Call(
                    id: call["id"]?.string ?? "call\(index)x\(number)", name: function["name"]?.string ?? "",
                    arguments: arguments))
        }
    }
}

// MARK: - What the library is given

extension Conversation {
    /// How the arguments of calls in the history are written.
    enum Arguments: Sendable {
        /// As objects where the template wants objects; what is no JSON object, as a text.
        case asSent
        /// What is no JSON object becomes an empty one.
        case objectsOnly
    }

    /// The messages in the library's form.
    func json(_ capabilities: ChatCapabilities, arguments: Arguments, numbers: inout KeptNumbers) -> JSONValue {
        var result: [JSONValue] = []
        for message in messages {
            var fields: [(String, JSONValue)] = [
                ("role", .string(message.role)),
                ("content", .string(capabilities.trimsTexts ? message.content.trimmed : message.content)),
            ]
            if let reasoning = message.reasoning {
                fields.append(("reasoning_content", .string(capabilities.trimsTexts ? reasoning.trimmed : reasoning)))
            }
            if let name = message.name { fields.append(("name", .string(name))) }
            if let id = message.callID { fields.append(("tool_call_id", .string(id))) }
            if !message.calls.isEmpty {
                let calls = message.calls.map { call -> JSONValue in
                    let written = Self.written(call.arguments, capabilities, arguments, &numbers)
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

    private static func written(
        _ arguments: String, _ capabilities: ChatCapabilities, _ form: Arguments, _ numbers: inout KeptNumbers
    ) -> JSONValue {
        let text = arguments.trimmed.isEmpty ? "{}" : arguments
        let parsed = try? JSONValue(parsing: text)
        guard parsed?.object != nil else {
            return form == .objectsOnly ? (capabilities.objectArguments ? [:] : "{}") : .string(text)
        }
        guard capabilities.objectArguments else { return .string(text) }
        return numbers.hidden(parsed ?? [:])
    }

    /// The tools in the library's form.
    func toolsJSON(numbers: inout KeptNumbers) -> JSONValue {
        .array(tools.map { ["type": "function", "function": numbers.hidden($0)] })
    }

    /// Texts that the prompt has to hold; what the model thought in earlier turns may go, as templates have it.
    var texts: [String] {
        var texts: [String] = []
        for message in messages {
            texts.append(message.content)
            for call in message.calls {
                texts.append(call.name)
                if let arguments = try? JSONValue(parsing: call.arguments) { Self.collect(arguments, into: &texts) }
            }
        }
        for tool in tools { texts.append(tool["name"]?.string ?? "") }
        return texts
    }

    private static func collect(_ value: JSONValue, into texts: inout [String]) {
        switch value {
        case .string(let text): texts.append(text)
        case .array(let elements): for element in elements { collect(element, into: &texts) }
        case .object: for member in value.entries { collect(member.value, into: &texts) }
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
