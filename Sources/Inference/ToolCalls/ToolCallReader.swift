import ChatTemplate

/// Reads the tool calls that begin where a marker ended.
struct ToolCallReader {
    /// A call as the model wrote it.
    struct Call: Equatable {
        let name: String
        /// A JSON object.
        let arguments: String
        /// The id, where the model wrote one.
        let id: String?
    }

    /// What surrounds the calls.
    enum Form: Equatable {
        /// An object that is the whole answer, without a marker.
        case bareObject
        case marked(ToolCallFormat)
    }

    enum Result: Equatable {
        /// Calls, and how many characters they take.
        case calls([Call], length: Int)
        /// It may become a call when more text comes.
        case incomplete
        /// It is no call.
        case none
    }

    let form: Form
    let toolNames: Set<String>?

    func read(_ text: [Unicode.Scalar], isComplete: Bool) -> Result {
        let result =
            switch form {
            case .bareObject: object(text, at: 0, requiresKnownTool: true)
            case .marked(.llama): object(text, at: 0, requiresKnownTool: false)
            case .marked(.hermes): hermes(text, isComplete: isComplete)
            case .marked(.mistral), .marked(.mistralNamed): mistral(text)
            case .marked(.none): Result.none
            }
        return result == .incomplete && isComplete ? .none : result
    }

    // MARK: - Formats

    /// One object; its arguments are under "arguments" or "parameters".
    private func object(_ text: [Unicode.Scalar], at start: Int, requiresKnownTool: Bool) -> Result {
        switch json(text, at: start, opening: "{") {
        case .incomplete: return .incomplete
        case .none: return .none
        case .found(let value, let end):
            guard let call = call(value), !requiresKnownTool || toolNames?.contains(call.name) ?? true else {
                return .none
            }
            return .calls([call], length: end)
        }
    }

    private func hermes(_ text: [Unicode.Scalar], isComplete: Bool) -> Result {
        guard case .calls(let calls, let end) = object(text, at: 0, requiresKnownTool: false) else {
            return object(text, at: 0, requiresKnownTool: false)
        }
        let position = skipSpace(text, from: end)
        let closing = Array("</tool_call>".unicodeScalars)
        let rest = text[position...].prefix(closing.count)
        if Array(rest) == closing { return .calls(calls, length: position + closing.count) }
        // Models sometimes end, or begin the next call, without closing the last one.
        if rest.isEmpty || closing.starts(with: rest) {
            return isComplete ? .calls(calls, length: text.count) : .incomplete
        }
        let opening = Array("<tool_call>".unicodeScalars)
        if Array(text[position...].prefix(opening.count)) == opening { return .calls(calls, length: position) }
        return opening.starts(with: text[position...]) && !isComplete ? .incomplete : .none
    }

    private func mistral(_ text: [Unicode.Scalar]) -> Result {
        let start = skipSpace(text, from: 0)
        guard start < text.count else { return .incomplete }
        guard text[start] == "[" || text[start] == "{" else { return named(text, from: start) }
        if text[start] == "{" { return object(text, at: start, requiresKnownTool: false) }
        switch json(text, at: start, opening: "[") {
        case .incomplete: return .incomplete
        case .none: return .none
        case .found(let value, let end):
            let elements = value.array ?? []
            let calls = elements.compactMap(call)
            return calls.count == elements.count && !calls.isEmpty ? .calls(calls, length: end) : .none
        }
    }

    /// `name[ARGS]{…}`, or `name[CALL_ID]id[ARGS]{…}`.
    private func named(_ text: [Unicode.Scalar], from start: Int) -> Result {
        guard let bracket = text[start...].firstIndex(where: { $0 == "[" || $0 == "{" }) else {
            return isName(text[start...]) ? .incomplete : .none
        }
        let name = text[start..<bracket]
        guard !name.isEmpty, isName(name) else { return .none }
        var position = bracket
        var id: String?
        switch step(over: "[CALL_ID]", text, from: position) {
        case .incomplete: return .incomplete
        case .none: break
        case .over(let next):
            guard let end = text[next...].firstIndex(of: "[") else {
                return isName(text[next...]) ? .incomplete : .none
            }
            id = string(text[next..<end])
            position = end
        }
        switch step(over: "[ARGS]", text, from: position) {
        case .incomplete: return .incomplete
        case .none: break
        case .over(let next): position = next
        }
        switch json(text, at: position, opening: "{") {
        case .incomplete: return .incomplete
        case .none: return .none
        case .found(let arguments, let end):
            return .calls([Call(name: string(name), arguments: arguments.serialized(), id: id)], length: end)
        }
    }

    // MARK: - Parts

    /// The call that a JSON value describes.
    private func call(_ value: JSONValue) -> Call? {
        guard let name = value["name"]?.string, !name.isEmpty else { return nil }
        let id = value["id"]?.string.flatMap { $0.isEmpty ? nil : $0 }
        switch value["arguments"] ?? value["parameters"] {
        case .some(let arguments) where arguments.object != nil:
            return Call(name: name, arguments: arguments.serialized(), id: id)
        case .some(.string(let text)):
            // Arguments as text: valid if they are an object once read.
            guard let arguments = try? JSONValue(parsing: text), arguments.object != nil else { return nil }
            return Call(name: name, arguments: arguments.serialized(), id: id)
        case nil, .some(.null): return form == .bareObject ? nil : Call(name: name, arguments: "{}", id: id)
        default: return nil
        }
    }

    private enum JSONResult {
        case found(JSONValue, end: Int)
        case incomplete
        case none
    }

    /// A JSON object or array here, after white space: the brackets say where it ends, the parser whether it is valid.
    private func json(_ text: [Unicode.Scalar], at start: Int, opening: Unicode.Scalar) -> JSONResult {
        let start = skipSpace(text, from: start)
        guard start < text.count else { return .incomplete }
        guard text[start] == opening else { return .none }
        var depth = 0
        var isInString = false
        var isEscaped = false
        for index in start..<text.count {
            let scalar = text[index]
            if isInString {
                if isEscaped {
                    isEscaped = false
                } else if scalar == "\\" {
                    isEscaped = true
                } else {
                    isInString = scalar != "\""
                }
                continue
            }
            switch scalar {
            case "\"": isInString = true
            case "{", "[": depth += 1
            case "}", "]":
                depth -= 1
                guard depth == 0 else { continue }
                guard let value = try? JSONValue(parsing: string(text[start...index])) else { return .none }
                return .found(value, end: index + 1)
            default: break
            }
        }
        return .incomplete
    }

    private enum Step {
        case over(Int)
        case incomplete
        case none
    }

    private func step(over marker: String, _ text: [Unicode.Scalar], from start: Int) -> Step {
        let marker = Array(marker.unicodeScalars)
        let rest = text[start...].prefix(marker.count)
        if Array(rest) == marker { return .over(start + marker.count) }
        return marker.starts(with: rest) ? .incomplete : .none
    }

    private func isName(_ text: ArraySlice<Unicode.Scalar>) -> Bool {
        text.count <= 256
            && text.allSatisfy {
                $0.properties.isAlphabetic || ("0"..."9").contains($0) || "_-.:/".unicodeScalars.contains($0)
            }
    }

    private func skipSpace(_ text: [Unicode.Scalar], from start: Int) -> Int {
        text[start...].firstIndex { !$0.properties.isWhitespace } ?? text.count
    }

    private func string(_ scalars: ArraySlice<Unicode.Scalar>) -> String {
        var text = String.UnicodeScalarView()
        text.append(contentsOf: scalars)
        return String(text)
    }
}
