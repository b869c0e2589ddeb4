package import JSON

/// Tools in the form of OpenAI's chat completions.
extension Tool {
    private static let maximumCount = 512
    private static let nameLengths = 1...256

    /// Reads `tools`.
    ///
    /// - Throws: `InferenceError` with `badRequest` that names the tool and member at fault.
    package static func list(_ json: [JSONValue]) throws(InferenceError) -> [Tool] {
        guard json.count <= maximumCount else {
            throw .badRequest("tools", "tools may hold at most \(maximumCount) tools")
        }
        var tools: [Tool] = []
        var names: Set<String> = []
        for (index, tool) in json.enumerated() {
            let read = try Tool(tool, at: "tools[\(index)]")
            guard names.insert(read.name).inserted else {
                let member = "tools[\(index)].function.name"
                throw .badRequest(member, "\(member) repeats \(read.name.prefix(64))")
            }
            tools.append(read)
        }
        return tools
    }

    private init(_ json: JSONValue, at place: String) throws(InferenceError) {
        func fault(_ member: String, _ problem: String) -> InferenceError {
            .badRequest("\(place).\(member)", "\(place).\(member) \(problem)")
        }
        guard json["type"]?.string ?? "function" == "function" else { throw fault("type", "must be function") }
        guard let function = json["function"], function.object != nil else {
            throw fault("function", "must be an object")
        }
        guard let name = function["name"]?.string, Self.nameLengths.contains(name.utf8.count) else {
            throw fault(
                "function.name",
                "must be a string of \(Self.nameLengths.lowerBound) to \(Self.nameLengths.upperBound) bytes")
        }
        var parameters = function["parameters"]
        if parameters?.isNull == true { parameters = nil }
        if let parameters, parameters.object == nil { throw fault("function.parameters", "must be an object") }
        self.init(
            name: name, description: function["description"]?.string ?? "", parameters: parameters,
            isStrict: function["strict"]?.bool == true)
    }

    /// The tool as `tools` has it.
    package var json: JSONValue {
        var function: [(String, JSONValue)] = [("name", .string(name)), ("description", .string(description))]
        if let parameters { function.append(("parameters", parameters)) }
        if isStrict { function.append(("strict", true)) }
        return ["type": "function", "function": .object(function)]
    }
}

extension ToolChoice {
    /// Reads `tool_choice`.
    ///
    /// - Throws: `InferenceError` with `badRequest` where it is none, or does not fit the tools.
    package init(_ json: JSONValue, tools: [Tool]) throws(InferenceError) {
        func fault(_ problem: String) -> InferenceError { .badRequest("tool_choice", "tool_choice \(problem)") }
        switch json {
        case "none": self = .none
        case "auto": self = .auto
        case "required":
            guard !tools.isEmpty else { throw fault("is required, but there are no tools") }
            self = .required
        case .object:
            guard json["type"]?.string == "function", let name = json["function"]?["name"]?.string else {
                throw fault("must name a function")
            }
            guard tools.contains(where: { $0.name == name }) else {
                throw fault("names \(name.prefix(64)), which is not among the tools")
            }
            self = .named(name)
        default: throw fault("must be none, auto, required or an object that names a function")
        }
    }

    /// The choice as `tool_choice` has it.
    package var json: JSONValue {
        switch self {
        case .none: "none"
        case .auto: "auto"
        case .required: "required"
        case .named(let name): ["type": "function", "function": ["name": .string(name)]]
        }
    }
}
