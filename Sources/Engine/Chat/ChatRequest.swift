internal import Generation
internal import JSON

/// What the shim is asked: a conversation in the form that one template is given, and what its answer may be.
///
/// Of a request for a prompt with tools there are two lists. `tools` is what the template lists; `callable` is what parser and
/// grammar are made for: one tool where it must be that one, and with limits as the client wrote them, since the library counts
/// with these.
struct ChatRequest {
    var conversation: Conversation
    var options: ChatOptions
    /// How calls are read and held to; nil where there are no tools.
    var callForm: CallForm?

    /// - Parameter numbers: Takes the numbers that the library would change.
    func json(_ capabilities: ChatCapabilities, _ numbers: inout KeptNumbers) -> JSONValue {
        var conversation = conversation
        if !capabilities.systemRole { conversation.moveRulesIntoNext() }
        let callable = conversation.tools.filter { tool in
            if case .named(let name) = options.toolChoice { tool["name"]?.string == name } else { true }
        }
        // Tools first: their numbers have the same places in every conversation.
        var fields: [(String, JSONValue)] = []
        if !callable.isEmpty {
            fields.append(("callable", Self.list(callable.map { numbers.hidden($0, keepsLimits: true) })))
            if options.toolChoice.isBinding { fields.append(("tool_choice", "required")) }
        }
        if !conversation.tools.isEmpty, conversation.telling != .text {
            fields.append(("tools", Self.list(conversation.tools.map { numbers.hidden($0, keepsLimits: false) })))
        }
        fields += [
            ("messages", conversation.json(capabilities, numbers: &numbers)), ("continues", .bool(options.continues)),
            ("parallel_tool_calls", .bool(options.allowsParallelCalls && callForm?.allowsParallelCalls != false)),
        ]
        if let repair = callForm?.repair { fields.append(("repair", .integer(repair))) }
        if let borrowed = callForm?.borrowed { fields.append(("borrowed", .string(borrowed.rawValue))) }
        var variables = ChatDate(unixSeconds: options.nowUnixSeconds).variables
        if conversation.givesFunctions {
            variables.append(
                ("functions", .string(JSONValue.array(conversation.tools).serialized(.python(ensuresASCII: false)))))
        }
        for (name, value) in options.variables {
            if name == "enable_thinking", let thinks = value.bool { fields.append(("enable_thinking", .bool(thinks))) }
            variables.append((name, value))
        }
        fields.append(("variables", .object(variables)))
        return .object(fields)
    }

    private static func list(_ functions: [JSONValue]) -> JSONValue {
        .array(functions.map { ["type": "function", "function": $0] })
    }
}

extension Conversation {
    /// For templates that know nobody who sets rules: their text goes before that of the next message.
    fileprivate mutating func moveRulesIntoNext() {
        guard let first = messages.first, first.setsRules else { return }
        if messages.count > 1 {
            messages[1].content = first.content + "\n" + messages[1].content
            messages.removeFirst()
        } else {
            messages[0].role = .user
        }
    }
}
