extension Filters {
    /// The text of a filter's input, counted as walked once.
    private static func text(
        _ interpreter: Interpreter, _ value: Value
    ) throws(ChatTemplateError) -> String {
        let text = try interpreter.text(of: value)
        try interpreter.charge(textBytes: text.utf8.count)
        return text
    }

    @Sendable static func string(
        _ interpreter: Interpreter, _ value: Value, _ arguments: CallArguments
    ) throws(ChatTemplateError) -> Value {
        _ = try arguments.bind("string", [])
        return .string(try interpreter.text(of: value))
    }

    @Sendable static func lower(
        _ interpreter: Interpreter, _ value: Value, _ arguments: CallArguments
    ) throws(ChatTemplateError) -> Value {
        _ = try arguments.bind("lower", [])
        return .string(try text(interpreter, value).lowercased())
    }

    @Sendable static func upper(
        _ interpreter: Interpreter, _ value: Value, _ arguments: CallArguments
    ) throws(ChatTemplateError) -> Value {
        _ = try arguments.bind("upper", [])
        return .string(try text(interpreter, value).uppercased())
    }

    @Sendable static func capitalize(
        _ interpreter: Interpreter, _ value: Value, _ arguments: CallArguments
    ) throws(ChatTemplateError) -> Value {
        _ = try arguments.bind("capitalize", [])
        return .string(try text(interpreter, value).pythonCapitalized)
    }

    /// Every word in lower case but for its first letter; words begin after white space, hyphens and opening brackets.
    @Sendable static func title(
        _ interpreter: Interpreter, _ value: Value, _ arguments: CallArguments
    ) throws(ChatTemplateError) -> Value {
        _ = try arguments.bind("title", [])
        var result = ""
        var startsWord = true
        for scalar in try text(interpreter, value).unicodeScalars {
            let isBoundary = scalar.isPythonWhitespace || ["-", "(", "{", "[", "<"].contains(scalar)
            if isBoundary {
                result.unicodeScalars.append(scalar)
            } else {
                result += startsWord ? scalar.properties.uppercaseMapping : scalar.properties.lowercaseMapping
            }
            startsWord = isBoundary
        }
        return .string(result)
    }

    @Sendable static func trim(
        _ interpreter: Interpreter, _ value: Value, _ arguments: CallArguments
    ) throws(ChatTemplateError) -> Value {
        let characters = try arguments.bind("trim", ["chars"])[0]
        return .string(try text(interpreter, value).pythonStripping(try optionalString(characters, of: "trim")))
    }

    @Sendable static func replace(
        _ interpreter: Interpreter, _ value: Value, _ arguments: CallArguments
    ) throws(ChatTemplateError) -> Value {
        let values = try arguments.bind("replace", ["old", "new", "count"], required: 2)
        let limit = try optionalInteger(values[2], of: "replace") ?? -1
        return .string(
            try interpreter.replace(
                in: text(interpreter, value), values[0]?.text ?? "", with: values[1]?.text ?? "", limit: limit))
    }

    @Sendable static func center(
        _ interpreter: Interpreter, _ value: Value, _ arguments: CallArguments
    ) throws(ChatTemplateError) -> Value {
        let width = try optionalInteger(try arguments.bind("center", ["width"])[0], of: "center") ?? 80
        return .string(try interpreter.pad(try text(interpreter, value), to: width, with: " ", .center))
    }

    @Sendable static func escape(
        _ interpreter: Interpreter, _ value: Value, _ arguments: CallArguments
    ) throws(ChatTemplateError) -> Value {
        _ = try arguments.bind("escape", [])
        var result = ""
        for scalar in try text(interpreter, value).unicodeScalars {
            switch scalar {
            case "&": result += "&amp;"
            case "<": result += "&lt;"
            case ">": result += "&gt;"
            case "'": result += "&#39;"
            case "\"": result += "&#34;"
            default: result.unicodeScalars.append(scalar)
            }
        }
        return .string(result)
    }

    /// `'%s'|format(value)`
    @Sendable static func format(
        _ interpreter: Interpreter, _ value: Value, _ arguments: CallArguments
    ) throws(ChatTemplateError) -> Value {
        guard arguments.named.isEmpty || arguments.positional.isEmpty else {
            throw ChatTemplateError(.evaluation, "'format' takes positional or named arguments, not both")
        }
        let values: Value =
            arguments.named.isEmpty
            ? try .tuple(of: arguments.positional) : try .dictionary(of: arguments.named)
        return .string(try PercentFormat(text(interpreter, value)).apply(values, in: interpreter))
    }

    @Sendable static func indent(
        _ interpreter: Interpreter, _ value: Value, _ arguments: CallArguments
    ) throws(ChatTemplateError) -> Value {
        let values = try arguments.bind("indent", ["width", "first", "blank"])
        guard case .string(let text) = try value.defined() else {
            throw ChatTemplateError(.evaluation, "'indent' needs a string, not a value of type \(value.typeName)")
        }
        let indentation: String
        if case .string(let given) = values[0] {
            indentation = given
        } else {
            indentation = try interpreter.pad("", to: optionalInteger(values[0], of: "indent") ?? 4, with: " ", .right)
        }
        let lines = (text + "\n").pythonLines()
        try interpreter.charge(
            textBytes: lines.count.saturatingMultiplied(by: indentation.utf8.count).saturatingAdding(text.utf8.count))
        let indentsBlank = values[2]?.isTrue ?? false
        let rest = lines.dropFirst().map { $0.isEmpty && !indentsBlank ? $0 : indentation + $0 }
        let first = values[1]?.isTrue ?? false ? indentation + lines[0] : lines[0]
        return .string(([first] + rest).joined(separator: "\n"))
    }

    @Sendable static func truncate(
        _ interpreter: Interpreter, _ value: Value, _ arguments: CallArguments
    ) throws(ChatTemplateError) -> Value {
        let values = try arguments.bind("truncate", ["length", "killwords", "end", "leeway"])
        let length = try optionalInteger(values[0], of: "truncate") ?? 255
        let end = try optionalString(values[2], of: "truncate") ?? "..."
        let leeway = try optionalInteger(values[3], of: "truncate") ?? 5
        let text = try text(interpreter, value)
        let kept = length - end.unicodeScalars.count
        guard kept >= 0, leeway >= 0 else {
            throw ChatTemplateError(.evaluation, "'truncate' needs a length of at least that of '\(end)'")
        }
        guard text.unicodeScalars.count > length.saturatingAdding(leeway) else { return .string(text) }
        let start = String(scalars: text.unicodeScalars.prefix(kept))
        if values[1]?.isTrue ?? false { return .string(start + end) }
        return .string(start.pythonReverseSplit(separator: " ", limit: 1)[0] + end)
    }

    @Sendable static func wordCount(
        _ interpreter: Interpreter, _ value: Value, _ arguments: CallArguments
    ) throws(ChatTemplateError) -> Value {
        _ = try arguments.bind("wordcount", [])
        let words = try text(interpreter, value).unicodeScalars.split { scalar in
            scalar != "_" && !scalar.properties.isAlphabetic && scalar.properties.numericType == nil
        }
        return .integer(words.count)
    }

    @Sendable static func urlEncode(
        _ interpreter: Interpreter, _ value: Value, _ arguments: CallArguments
    ) throws(ChatTemplateError) -> Value {
        _ = try arguments.bind("urlencode", [])
        var result = ""
        for byte in try text(interpreter, value).utf8 {
            let scalar = Unicode.Scalar(byte)
            if scalar.isASCII,
                scalar.properties.isAlphabetic || ("0"..."9").contains(scalar)
                    || "/_.-~".unicodeScalars.contains(scalar)
            {
                result.unicodeScalars.append(scalar)
            } else {
                result += "%" + (byte < 16 ? "0" : "") + String(byte, radix: 16, uppercase: true)
            }
        }
        return .string(result)
    }

    /// The value as Python's `json.dumps` writes it, with everything beyond ASCII as it is.
    @Sendable static func toJSON(
        _ interpreter: Interpreter, _ value: Value, _ arguments: CallArguments
    ) throws(ChatTemplateError) -> Value {
        let values = try arguments.bind("tojson", ["ensure_ascii", "indent", "separators", "sort_keys"])
        var indentation: String?
        switch values[1] {
        case nil, .some(.none): indentation = nil
        case .some(.string(let text)): indentation = text
        case .some(let width):
            indentation = try interpreter.pad(
                "", to: optionalInteger(width, of: "tojson") ?? 0, with: " ", .right)
        }
        var format = JSONFormat.python(
            ensuresASCII: values[0]?.isTrue ?? false, indentation: indentation, sortsKeys: values[3]?.isTrue ?? false)
        if let separators = values[2], !separators.isNone {
            let pair = try separators.elements()
            guard pair.count == 2, let item = pair[0].stringValue, let key = pair[1].stringValue else {
                throw ChatTemplateError(.evaluation, "'tojson' needs two strings as separators")
            }
            (format.itemSeparator, format.keySeparator) = (item, key)
        }
        let perValue =
            6 + (indentation?.utf8.count ?? 0).saturatingMultiplied(by: value.depth)
            + format.itemSeparator.utf8.count + format.keySeparator.utf8.count
        try interpreter.charge(textBytes: value.weight.saturatingMultiplied(by: perValue))
        return .string(try value.json().serialized(format))
    }

    // MARK: - Arguments

    static func optionalInteger(_ value: Value?, of function: String) throws(ChatTemplateError) -> Int? {
        guard let value, !value.isNone else { return nil }
        guard let integer = try value.defined().indexValue else {
            throw ChatTemplateError(
                .evaluation, "'\(function)' needs an integer, not a value of type \(value.typeName)")
        }
        return integer
    }

    static func optionalString(_ value: Value?, of function: String) throws(ChatTemplateError) -> String? {
        guard let value, !value.isNone else { return nil }
        guard case .string(let text) = try value.defined() else {
            throw ChatTemplateError(.evaluation, "'\(function)' needs a string, not a value of type \(value.typeName)")
        }
        return text
    }
}

extension Value {
    var isNone: Bool {
        if case .none = self { true } else { false }
    }
}
