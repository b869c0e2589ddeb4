import JSON

/// The messages of a conversation, checked and brought into the one form that chat templates know.
enum ChatMessages {
    private static let roles: Set<String> = ["system", "developer", "user", "assistant", "tool"]

    /// Reads `messages`: texts given in parts become one text, and `developer` becomes `system`.
    ///
    /// - Throws: 400 that names the message and member at fault.
    static func read(_ fields: inout RequestFields) throws(APIError) -> [JSONValue] {
        guard let messages = try fields.array("messages") else { throw fields.missing("messages") }
        guard !messages.isEmpty else { throw fields.invalid("messages", "must not be empty") }
        guard messages.count <= 16_384 else { throw fields.invalid("messages", "may hold at most 16384 messages") }
        var result: [JSONValue] = []
        result.reserveCapacity(messages.count)
        for (index, message) in messages.enumerated() {
            result.append(try read(message, name: "messages[\(index)]"))
        }
        return result
    }

    private static func read(_ message: JSONValue, name: String) throws(APIError) -> JSONValue {
        var message = message
        guard message.object != nil else {
            throw .invalidRequest("\(name) must be an object, not \(message.kind)", parameter: name)
        }
        guard let role = message["role"]?.string, roles.contains(role) else {
            throw .invalidRequest(
                "\(name).role must be system, developer, user, assistant or tool", parameter: "\(name).role")
        }
        // Templates know one name for who sets the rules.
        if role == "developer" { message["role"] = "system" }
        message["content"] = try content(message["content"] ?? .null, role: role, message: message, name: name)
        if let calls = message["tool_calls"] {
            if calls.isNull { message["tool_calls"] = nil } else { try checkToolCalls(calls, role: role, name: name) }
        }
        if role == "tool", let identifier = message["tool_call_id"], identifier.string == nil {
            throw .invalidRequest("\(name).tool_call_id must be a string", parameter: "\(name).tool_call_id")
        }
        return message
    }

    private static func content(
        _ content: JSONValue, role: String, message: JSONValue, name: String
    ) throws(APIError) -> JSONValue {
        switch content {
        case .string: return content
        case .null:
            guard role == "assistant" else {
                throw .invalidRequest("\(name).content is missing", parameter: "\(name).content")
            }
            return message["tool_calls"] == nil ? "" : .null
        case .array(let parts):
            var texts: [String] = []
            for (index, part) in parts.enumerated() {
                let partName = "\(name).content[\(index)]"
                guard let type = part["type"]?.string else {
                    throw .invalidRequest("\(partName).type is missing", parameter: "\(partName).type")
                }
                guard type == "text" || type == "refusal" else {
                    throw .invalidRequest(
                        "\(partName).type: this node takes text, not \(type.prefix(64))", parameter: "\(partName).type")
                }
                guard let text = part[type]?.string else {
                    throw .invalidRequest("\(partName).\(type) must be a string", parameter: "\(partName).\(type)")
                }
                texts.append(text)
            }
            return .string(texts.joined(separator: "\n"))
        default:
            throw .invalidRequest(
                "\(name).content must be a string or an array of parts, not \(content.kind)",
                parameter: "\(name).content")
        }
    }

    private static func checkToolCalls(_ calls: JSONValue, role: String, name: String) throws(APIError) {
        guard role == "assistant" else {
            throw .invalidRequest(
                "\(name).tool_calls: only the assistant calls tools", parameter: "\(name).tool_calls")
        }
        guard let calls = calls.array else {
            throw .invalidRequest("\(name).tool_calls must be an array", parameter: "\(name).tool_calls")
        }
        for (index, call) in calls.enumerated() {
            let function = call["function"]
            guard function?["name"]?.string != nil else {
                let field = "\(name).tool_calls[\(index)].function.name"
                throw .invalidRequest("\(field) must be a string", parameter: field)
            }
            switch function?["arguments"] {
            case nil, .string?, .object?: break
            default:
                let field = "\(name).tool_calls[\(index)].function.arguments"
                throw .invalidRequest("\(field) must be a string that holds JSON", parameter: field)
            }
        }
    }
}
