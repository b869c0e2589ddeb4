import OrderedCollections

extension Methods {
    /// The methods of strings.
    static let text: [String: Method] = {
        var methods = searching
        for (name, transform) in transformations {
            let method: Method = { (interpreter, value, arguments) throws(ChatTemplateError) in
                _ = try arguments.bind(name, [])
                return .string(transform(try string(interpreter, value)))
            }
            methods[name] = method
        }
        for (name, predicate) in predicates {
            let method: Method = { (interpreter, value, arguments) throws(ChatTemplateError) in
                _ = try arguments.bind(name, [])
                return .bool(predicate(try string(interpreter, value)))
            }
            methods[name] = method
        }
        for (name, start, end) in [("strip", true, true), ("lstrip", true, false), ("rstrip", false, true)] {
            let method: Method = { (interpreter, value, arguments) throws(ChatTemplateError) in
                let characters = try Filters.optionalString(arguments.bindPositional(name, 0...1)[0], of: name)
                return .string(try string(interpreter, value).pythonStripping(characters, start: start, end: end))
            }
            methods[name] = method
        }
        for (name, alignment) in [("ljust", Interpreter.Alignment.left), ("rjust", .right), ("center", .center)] {
            let method: Method = { (interpreter, value, arguments) throws(ChatTemplateError) in
                let values = try arguments.bindPositional(name, 1...2)
                let fill = try Filters.optionalString(values[1], of: name) ?? " "
                guard fill.unicodeScalars.count == 1 else {
                    throw ChatTemplateError(.evaluation, "'\(name)' fills with one character, not with '\(fill)'")
                }
                let width = try Filters.optionalInteger(values[0], of: name) ?? 0
                return .string(try interpreter.pad(string(interpreter, value), to: width, with: fill, alignment))
            }
            methods[name] = method
        }
        methods.merge(splitting) { $1 }
        return methods
    }()

    /// The string that a method belongs to, counted as walked once.
    private static func string(_ interpreter: Interpreter, _ value: Value) throws(ChatTemplateError) -> String {
        let text = value.stringValue ?? ""
        try interpreter.charge(textBytes: text.utf8.count)
        return text
    }

    private static let transformations: [String: @Sendable (String) -> String] = [
        "capitalize": { $0.pythonCapitalized },
        "casefold": { $0.lowercased() },
        "lower": { $0.lowercased() },
        "swapcase": { text in
            text.unicodeScalars.reduce(into: "") { result, scalar in
                result +=
                    scalar.properties.isUppercase
                    ? scalar.properties.lowercaseMapping : scalar.properties.uppercaseMapping
            }
        },
        "title": { $0.pythonTitle },
        "upper": { $0.uppercased() },
    ]

    private static let predicates: [String: @Sendable (String) -> Bool] = [
        "isalnum": { holds($0) { isLetter($0) || $0.properties.numericType != nil } },
        "isalpha": { holds($0, isLetter) },
        "isascii": { $0.unicodeScalars.allSatisfy(\.isASCII) },
        "isdecimal": { holds($0) { $0.properties.numericType == .decimal } },
        "isdigit": { holds($0) { $0.properties.numericType == .decimal || $0.properties.numericType == .digit } },
        "isidentifier": { text in
            guard let first = text.unicodeScalars.first else { return false }
            return (first == "_" || first.properties.isXIDStart)
                && text.unicodeScalars.allSatisfy(\.properties.isXIDContinue)
        },
        "islower": { hasCase($0, \.isLowercase) },
        "isnumeric": { holds($0) { $0.properties.numericType != nil } },
        "isspace": { holds($0, \.isPythonWhitespace) },
        "istitle": { !$0.isEmpty && $0.hasSameScalars(as: $0.pythonTitle) && hasCase($0) },
        "isupper": { hasCase($0, \.isUppercase) },
    ]

    private static func holds(_ text: String, _ predicate: (Unicode.Scalar) -> Bool) -> Bool {
        !text.isEmpty && text.unicodeScalars.allSatisfy(predicate)
    }

    private static func isLetter(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.properties.generalCategory {
        case .uppercaseLetter, .lowercaseLetter, .titlecaseLetter, .modifierLetter, .otherLetter: true
        default: false
        }
    }

    /// Whether all characters that have a case have the wanted one, and there is one at least.
    private static func hasCase(_ text: String, _ wanted: KeyPath<Unicode.Scalar.Properties, Bool>? = nil) -> Bool {
        let cased = text.unicodeScalars.filter(\.properties.isCased)
        return !cased.isEmpty && cased.allSatisfy { wanted == nil || $0.properties[keyPath: wanted!] }
    }

    // MARK: - Searching

    private static let searching: [String: Method] = [
        "startswith": { (interpreter, value, arguments) throws(ChatTemplateError) in
            try matches("startswith", interpreter, value, arguments) { $0.hasPythonPrefix($1) }
        },
        "endswith": { (interpreter, value, arguments) throws(ChatTemplateError) in
            try matches("endswith", interpreter, value, arguments) { $0.hasPythonSuffix($1) }
        },
        "removeprefix": { (interpreter, value, arguments) throws(ChatTemplateError) in
            let text = try string(interpreter, value)
            let prefix = try argument("removeprefix", arguments)
            return .string(
                text.hasPythonPrefix(prefix)
                    ? String(decoding: text.utf8.dropFirst(prefix.utf8.count), as: UTF8.self) : text)
        },
        "removesuffix": { (interpreter, value, arguments) throws(ChatTemplateError) in
            let text = try string(interpreter, value)
            let suffix = try argument("removesuffix", arguments)
            return .string(
                text.hasPythonSuffix(suffix)
                    ? String(decoding: text.utf8.dropLast(suffix.utf8.count), as: UTF8.self) : text)
        },
        "find": { (interpreter, value, arguments) throws(ChatTemplateError) in
            .integer(try position("find", interpreter, value, arguments)?.first ?? -1)
        },
        "rfind": { (interpreter, value, arguments) throws(ChatTemplateError) in
            .integer(try position("rfind", interpreter, value, arguments)?.last ?? -1)
        },
        "index": { (interpreter, value, arguments) throws(ChatTemplateError) in
            .integer(try found(position("index", interpreter, value, arguments)?.first))
        },
        "rindex": { (interpreter, value, arguments) throws(ChatTemplateError) in
            .integer(try found(position("rindex", interpreter, value, arguments)?.last))
        },
        "count": { (interpreter, value, arguments) throws(ChatTemplateError) in
            let (text, part, _) = try searched("count", interpreter, value, arguments)
            let count = part.isEmpty ? text.unicodeScalars.count + 1 : text.pythonSplit(separator: part).count - 1
            return .integer(count)
        },
        "replace": { (interpreter, value, arguments) throws(ChatTemplateError) in
            let values = try arguments.bindPositional("replace", 2...3)
            guard let old = values[0]?.stringValue, let new = values[1]?.stringValue else {
                throw ChatTemplateError(.evaluation, "'replace' needs two strings")
            }
            let limit = try Filters.optionalInteger(values[2], of: "replace") ?? -1
            return .string(try interpreter.replace(in: string(interpreter, value), old, with: new, limit: limit))
        },
        "zfill": { (interpreter, value, arguments) throws(ChatTemplateError) in
            let width = try Filters.optionalInteger(arguments.bindPositional("zfill", 1...1)[0], of: "zfill") ?? 0
            let text = try string(interpreter, value)
            let sign = text.hasPrefix("-") || text.hasPrefix("+") ? String(text.prefix(1)) : ""
            let digits = String(text.dropFirst(sign.count))
            return .string(sign + (try interpreter.pad(digits, to: width - sign.count, with: "0", .right)))
        },
        "format": { (interpreter, value, arguments) throws(ChatTemplateError) in
            .string(try BraceFormat(string(interpreter, value)).apply(arguments, in: interpreter))
        },
        "join": { (interpreter, value, arguments) throws(ChatTemplateError) in
            var parts: [String] = []
            for element in try interpreter.elements(of: arguments.bindPositional("join", 1...1)[0] ?? .none) {
                guard let part = element.stringValue else {
                    throw ChatTemplateError(.evaluation, "'join' needs strings, not values of type \(element.typeName)")
                }
                parts.append(part)
            }
            return .string(try interpreter.join(parts, separator: string(interpreter, value)))
        },
    ]

    private static func argument(_ method: String, _ arguments: CallArguments) throws(ChatTemplateError) -> String {
        let value = try arguments.bindPositional(method, 1...1)[0]
        guard let text = try Filters.optionalString(value, of: method) else {
            throw ChatTemplateError(.evaluation, "'\(method)' needs a string")
        }
        return text
    }

    /// Whether the text, or the part of it that the second and third arguments name, begins or ends with one of the strings.
    private static func matches(
        _ method: String, _ interpreter: Interpreter, _ value: Value, _ arguments: CallArguments,
        _ predicate: (String, String) -> Bool
    ) throws(ChatTemplateError) -> Value {
        let values = try arguments.bindPositional(method, 1...3)
        var text = value.stringValue ?? ""
        if values[1] != nil { text = try part(of: string(interpreter, value), values, of: method).text }
        switch values[0] {
        case .some(.string(let wanted)): return .bool(predicate(text, wanted))
        case .some(.tuple(let options)):
            for option in options.items {
                try interpreter.charge()
                guard let wanted = option.stringValue else { break }
                if predicate(text, wanted) { return .bool(true) }
            }
            return .bool(false)
        default:
            _ = try values[0]?.defined()
            throw ChatTemplateError(.evaluation, "'\(method)' needs a string or a tuple of strings")
        }
    }

    /// The part of a text between the second and third argument, and where it begins.
    private static func part(
        of text: String, _ values: [Value?], of method: String
    ) throws(ChatTemplateError) -> (text: String, start: Int) {
        guard values[1] != nil || values[2] != nil else { return (text, 0) }
        let scalars = Array(text.unicodeScalars)
        let bounds = try SliceBounds(
            from: Filters.optionalInteger(values[1], of: method), to: Filters.optionalInteger(values[2], of: method),
            step: 1)
        let range = bounds.range(count: scalars.count) ?? 0..<scalars.count
        return (String(scalars: scalars[range]), range.lowerBound)
    }

    private static func searched(
        _ method: String, _ interpreter: Interpreter, _ value: Value, _ arguments: CallArguments
    ) throws(ChatTemplateError) -> (text: String, part: String, start: Int) {
        let values = try arguments.bindPositional(method, 1...3)
        guard let wanted = try Filters.optionalString(values[0], of: method) else {
            throw ChatTemplateError(.evaluation, "'\(method)' needs a string")
        }
        let (text, start) = try part(of: string(interpreter, value), values, of: method)
        return (text, wanted, start)
    }

    /// Where a part first and last occurs, in characters; `nil` if it does not.
    private static func position(
        _ method: String, _ interpreter: Interpreter, _ value: Value, _ arguments: CallArguments
    ) throws(ChatTemplateError) -> (first: Int, last: Int)? {
        let (text, part, start) = try searched(method, interpreter, value, arguments)
        let count = text.unicodeScalars.count
        if part.isEmpty { return (start, start + count) }
        let pieces = text.pythonSplit(separator: part)
        guard pieces.count > 1, let first = pieces.first else { return nil }
        // Matches may overlap, so the last one is looked for from the end.
        let reversed = String(scalars: text.unicodeScalars.reversed())
        let tail = reversed.pythonSplit(separator: String(scalars: part.unicodeScalars.reversed()), limit: 1)[0]
        let last = count - tail.unicodeScalars.count - part.unicodeScalars.count
        return (start + first.unicodeScalars.count, start + last)
    }

    private static func found(_ position: Int?) throws(ChatTemplateError) -> Int {
        guard let position else {
            throw ChatTemplateError(.evaluation, "the text does not contain what was looked for")
        }
        return position
    }

    // MARK: - Splitting

    private static let splitting: [String: Method] = [
        "split": { (interpreter, value, arguments) throws(ChatTemplateError) in
            try split("split", interpreter, value, arguments, isReversed: false)
        },
        "rsplit": { (interpreter, value, arguments) throws(ChatTemplateError) in
            try split("rsplit", interpreter, value, arguments, isReversed: true)
        },
        "splitlines": { (interpreter, value, arguments) throws(ChatTemplateError) in
            let keepsEnds = try arguments.bind("splitlines", ["keepends"])[0]?.isTrue ?? false
            return try .list(of: string(interpreter, value).pythonLines(keepsEnds: keepsEnds).map(Value.string))
        },
        "partition": { (interpreter, value, arguments) throws(ChatTemplateError) in
            let separator = try separator("partition", arguments)
            let pieces = try string(interpreter, value).pythonSplit(separator: separator, limit: 1)
            return try .tuple(
                of: (pieces.count == 2 ? [pieces[0], separator, pieces[1]] : [pieces[0], "", ""]).map(Value.string))
        },
        "rpartition": { (interpreter, value, arguments) throws(ChatTemplateError) in
            let separator = try separator("rpartition", arguments)
            let pieces = try string(interpreter, value).pythonReverseSplit(separator: separator, limit: 1)
            return try .tuple(
                of: (pieces.count == 2 ? [pieces[0], separator, pieces[1]] : ["", "", pieces[0]]).map(Value.string))
        },
    ]

    private static func separator(_ method: String, _ arguments: CallArguments) throws(ChatTemplateError) -> String {
        let separator = try argument(method, arguments)
        guard !separator.isEmpty else {
            throw ChatTemplateError(.evaluation, "'\(method)' needs a separator that is not empty")
        }
        return separator
    }

    private static func split(
        _ method: String, _ interpreter: Interpreter, _ value: Value, _ arguments: CallArguments, isReversed: Bool
    ) throws(ChatTemplateError) -> Value {
        let values = try arguments.bind(method, ["sep", "maxsplit"])
        let limit = try Filters.optionalInteger(values[1], of: method) ?? -1
        let text = try string(interpreter, value)
        let pieces: [String]
        if let separator = try Filters.optionalString(values[0], of: method) {
            guard !separator.isEmpty else {
                throw ChatTemplateError(.evaluation, "'\(method)' needs a separator that is not empty")
            }
            pieces =
                isReversed
                ? text.pythonReverseSplit(separator: separator, limit: limit)
                : text.pythonSplit(separator: separator, limit: limit)
        } else {
            pieces = isReversed ? text.pythonReverseWords(limit: limit) : text.pythonWords(limit: limit)
        }
        try interpreter.charge(pieces.count)
        return try .list(of: pieces.map(Value.string))
    }
}
