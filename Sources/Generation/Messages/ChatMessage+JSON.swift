package import JSON

/// Messages in the form of OpenAI's chat completions, in which clients send them and processes tell each other.
extension ChatMessage {
    /// Reads `messages`, of which there must be some.
    ///
    /// - Throws: `InferenceError` with `badRequest` that names the message and member at fault.
    package static func list(_ json: [JSONValue]) throws(InferenceError) -> [ChatMessage] {
        guard !json.isEmpty else { throw .badRequest("messages", "messages must not be empty") }
        var messages: [ChatMessage] = []
        messages.reserveCapacity(json.count)
        for (index, message) in json.enumerated() {
            messages.append(try ChatMessage(message, at: "messages[\(index)]"))
        }
        return messages
    }

    private init(_ json: JSONValue, at place: String) throws(InferenceError) {
        guard json.object != nil else { throw .badRequest(place, "\(place) must be an object, not \(json.kind)") }
        let written = json["role"]?.string
        // Models know one name for who sets the rules.
        guard let role = written == "developer" ? .system : written.flatMap(Role.init(rawValue:)) else {
            let member = "\(place).role"
            throw .badRequest(member, "\(member) must be system, developer, user, assistant or tool")
        }
        let parts = try Part.list(json["content"] ?? .null, role: role, at: "\(place).content")
        let calls = try ToolCall.list(json["tool_calls"] ?? .null, role: role, at: "\(place).tool_calls")
        let callID = json["tool_call_id"]
        if role == .tool, let callID, callID.string == nil {
            throw .badRequest("\(place).tool_call_id", "\(place).tool_call_id must be a string")
        }
        let thought = json["reasoning_content"]?.string ?? json["reasoning"]?.string
        self.init(
            role, parts: parts, reasoning: thought?.isEmpty == false ? thought : nil, toolCalls: calls,
            toolCallID: callID?.string, name: json["name"]?.string)
    }

    /// The message as `messages` has it.
    package var json: JSONValue {
        var members: [(String, JSONValue)] = [("role", .string(role.rawValue))]
        switch parts.count {
        case 0: members.append(("content", .null))
        case 1 where texts.count == 1: members.append(("content", .string(texts[0])))
        default: members.append(("content", .array(parts.map(\.json))))
        }
        if let reasoning { members.append(("reasoning_content", .string(reasoning))) }
        if !toolCalls.isEmpty { members.append(("tool_calls", .array(toolCalls.map(\.json)))) }
        if let toolCallID { members.append(("tool_call_id", .string(toolCallID))) }
        if let name { members.append(("name", .string(name))) }
        return .object(members)
    }
}

extension ChatMessage.Part {
    fileprivate static func list(
        _ content: JSONValue, role: ChatMessage.Role, at place: String
    ) throws(InferenceError) -> [ChatMessage.Part] {
        switch content {
        case .string(let text): return [.text(text)]
        case .null:
            guard role == .assistant else { throw .badRequest(place, "\(place) is missing") }
            return []
        case .array(let given):
            var parts: [ChatMessage.Part] = []
            for (index, part) in given.enumerated() { parts.append(try Self(part, at: "\(place)[\(index)]")) }
            return parts
        default:
            throw .badRequest(place, "\(place) must be a string or an array of parts, not \(content.kind)")
        }
    }

    private init(_ json: JSONValue, at place: String) throws(InferenceError) {
        guard let type = json["type"]?.string else { throw .badRequest("\(place).type", "\(place).type is missing") }
        switch type {
        case "text", "refusal":
            guard let text = json[type]?.string else {
                throw .badRequest("\(place).\(type)", "\(place).\(type) must be a string")
            }
            self = .text(text)
        case "image_url":
            let image = json[type]
            guard let url = image?["url"]?.string else {
                throw .badRequest("\(place).image_url.url", "\(place).image_url.url must be a string")
            }
            self = .image(.init(url: url, detail: image?["detail"]?.string))
        default:
            throw .badRequest("\(place).type", "\(place).type: this node takes text, not \(type.prefix(64))")
        }
    }

    fileprivate var json: JSONValue {
        switch self {
        case .text(let text): return ["type": "text", "text": .string(text)]
        case .image(let image):
            var members: [(String, JSONValue)] = [("url", .string(image.url))]
            if let detail = image.detail { members.append(("detail", .string(detail))) }
            return ["type": "image_url", "image_url": .object(members)]
        }
    }
}

extension ToolCall {
    fileprivate static func list(
        _ json: JSONValue, role: ChatMessage.Role, at place: String
    ) throws(InferenceError) -> [ToolCall] {
        if json.isNull { return [] }
        guard role == .assistant else { throw .badRequest(place, "\(place): only the assistant calls tools") }
        guard let given = json.array else { throw .badRequest(place, "\(place) must be an array") }
        var calls: [ToolCall] = []
        for (index, call) in given.enumerated() {
            let function = call["function"]
            guard let name = function?["name"]?.string else {
                let member = "\(place)[\(index)].function.name"
                throw .badRequest(member, "\(member) must be a string")
            }
            let arguments: String
            switch function?["arguments"] {
            case nil, .null?: arguments = ""
            case .string(let text)?: arguments = text
            case .object?: arguments = function?["arguments"]?.serialized() ?? ""
            default:
                let member = "\(place)[\(index)].function.arguments"
                throw .badRequest(member, "\(member) must be a string that holds JSON")
            }
            calls.append(ToolCall(id: call["id"]?.string, name: name, arguments: arguments))
        }
        return calls
    }

    fileprivate var json: JSONValue {
        var members: [(String, JSONValue)] = []
        if let id { members.append(("id", .string(id))) }
        members += [
            ("type", "function"), ("function", ["name": .string(name), "arguments": .string(arguments)]),
        ]
        return .object(members)
    }
}
