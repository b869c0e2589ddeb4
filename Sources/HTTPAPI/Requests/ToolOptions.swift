import JSON

/// The tools that an answer may call, and whether it must.
struct ToolOptions {
    /// Each as the client wrote it.
    var tools: [JSONValue] = []
    /// `"none"`, `"auto"`, `"required"`, or `{"type": "function", "function": {"name": …}}`.
    var choice: JSONValue?

    /// Reads `tools` and `tool_choice`.
    ///
    /// - Throws: 400 that names the tool and member at fault.
    init(_ fields: inout RequestFields) throws(APIError) {
        var names: Set<String> = []
        tools = try fields.array("tools") ?? []
        guard tools.count <= 512 else { throw fields.invalid("tools", "may hold at most 512 tools") }
        for (index, tool) in tools.enumerated() {
            guard tool["type"]?.string ?? "function" == "function" else {
                throw fields.invalid("tools[\(index)].type", "must be function")
            }
            guard let function = tool["function"], function.object != nil else {
                throw fields.invalid("tools[\(index)].function", "must be an object")
            }
            guard let name = function["name"]?.string, (1...256).contains(name.utf8.count) else {
                throw fields.invalid("tools[\(index)].function.name", "must be a string of 1 to 256 bytes")
            }
            if let parameters = function["parameters"], !parameters.isNull, parameters.object == nil {
                throw fields.invalid("tools[\(index)].function.parameters", "must be an object")
            }
            guard names.insert(name).inserted else {
                throw fields.invalid("tools[\(index)].function.name", "repeats \(name.prefix(64))")
            }
        }
        guard let choice = fields.value("tool_choice") else { return }
        switch choice {
        case "none", "auto": break
        case "required":
            guard !tools.isEmpty else { throw fields.invalid("tool_choice", "is required, but there are no tools") }
        case .object:
            guard choice["type"]?.string == "function", let name = choice["function"]?["name"]?.string else {
                throw fields.invalid("tool_choice", "must name a function")
            }
            guard names.contains(name) else {
                throw fields.invalid("tool_choice", "names \(name.prefix(64)), which is not among the tools")
            }
        default: throw fields.invalid("tool_choice", "must be none, auto, required or an object that names a function")
        }
        self.choice = choice
    }
}
