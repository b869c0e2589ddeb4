/// Python's `str.format`: fields such as `{}`, `{0}`, `{name.part[0]}`, with the conversions `!s` and `!r` and a format
/// specification of fill, alignment, sign, width, grouping, precision and type.
struct BraceFormat {
    private let format: [Unicode.Scalar]

    init(_ format: String) { self.format = Array(format.unicodeScalars) }

    func apply(_ arguments: CallArguments, in interpreter: Interpreter) throws(ChatTemplateError) -> String {
        var result = ""
        var automatic = 0
        var index = 0
        while index < format.count {
            let scalar = format[index]
            let isDoubled = index + 1 < format.count && format[index + 1] == scalar
            if scalar == "{" || scalar == "}", isDoubled {
                result.unicodeScalars.append(scalar)
                index += 2
            } else if scalar == "{" {
                guard let end = format[index...].firstIndex(of: "}") else { throw invalid("'}' is missing") }
                let field = format[(index + 1)..<end]
                guard !field.contains("{") else { throw invalid("fields inside of fields are not supported") }
                result += try text(of: field, arguments, automatic: &automatic, in: interpreter)
                try interpreter.charge(textBytes: result.utf8.count / 8)
                index = end + 1
            } else if scalar == "}" {
                throw invalid("'}' stands alone")
            } else {
                result.unicodeScalars.append(scalar)
                index += 1
            }
        }
        return result
    }

    private func text(
        of field: ArraySlice<Unicode.Scalar>, _ arguments: CallArguments, automatic: inout Int,
        in interpreter: Interpreter
    ) throws(ChatTemplateError) -> String {
        let nameEnd = field.firstIndex { $0 == "!" || $0 == ":" } ?? field.endIndex
        var value = try self.value(
            of: field[..<nameEnd], arguments, automatic: &automatic, in: interpreter)
        var specification = field[nameEnd...]
        if specification.first == "!" {
            switch specification.dropFirst().first {
            case "s": value = .string(try interpreter.text(of: value))
            case "r":
                try interpreter.charge(value.weight)
                value = .string(value.representation)
            default: throw invalid("the conversion after '!' is unknown")
            }
            specification = specification.dropFirst(2)
        }
        guard specification.first == ":", specification.count > 1 else { return try interpreter.text(of: value) }
        return try FormatSpecification(specification.dropFirst()).apply(value, in: interpreter)
    }

    /// The value that a field such as `0.role` or `tool[name]` names.
    private func value(
        of name: ArraySlice<Unicode.Scalar>, _ arguments: CallArguments, automatic: inout Int,
        in interpreter: Interpreter
    ) throws(ChatTemplateError) -> Value {
        let baseEnd = name.firstIndex { $0 == "." || $0 == "[" } ?? name.endIndex
        let base = String(scalars: name[..<baseEnd])
        var value: Value
        if base.isEmpty || Int(base) != nil {
            let index = Int(base) ?? automatic
            if base.isEmpty { automatic += 1 }
            guard arguments.positional.indices.contains(index) else { throw invalid("there is no value \(index)") }
            value = arguments.positional[index]
        } else {
            guard let named = arguments.named.last(where: { $0.name == base }) else {
                throw invalid("there is no value '\(base)'")
            }
            value = named.value
        }
        var rest = name[baseEnd...]
        while let first = rest.popFirst() {
            if first == "." {
                let end = rest.firstIndex { $0 == "." || $0 == "[" } ?? rest.endIndex
                value = try interpreter.attribute(String(scalars: rest[..<end]), of: value)
                rest = rest[end...]
            } else {
                guard first == "[", let end = rest.firstIndex(of: "]") else { throw invalid("']' is missing") }
                let key = String(scalars: rest[..<end])
                value = try interpreter.item(Int(key).map(Value.integer) ?? .string(key), of: value)
                rest = rest[(end + 1)...]
            }
        }
        return value
    }

    private func invalid(_ message: String) -> ChatTemplateError {
        ChatTemplateError(.evaluation, "the text cannot be formatted: \(message)")
    }
}

/// What stands after the colon of a field: `[[fill]align][sign][#][0][width][,|_][.precision][type]`.
struct FormatSpecification {
    private var fill: Unicode.Scalar = " "
    private var alignment: Unicode.Scalar?
    private var sign: Unicode.Scalar = "-"
    private var isAlternate = false
    private var width = 0
    private var grouping: Unicode.Scalar?
    private var precision: Int?
    private var type: Unicode.Scalar?

    init(_ text: ArraySlice<Unicode.Scalar>) throws(ChatTemplateError) {
        var rest = text
        let alignments: Set<Unicode.Scalar> = ["<", ">", "^", "="]
        if rest.count > 1, alignments.contains(rest[rest.startIndex + 1]), let first = rest.popFirst() {
            fill = first
            alignment = rest.popFirst()
        } else if let first = rest.first, alignments.contains(first) {
            alignment = rest.popFirst()
        }
        if let first = rest.first, ["+", "-", " "].contains(first) {
            sign = first
            rest.removeFirst()
        }
        if rest.first == "#" {
            isAlternate = true
            rest.removeFirst()
        }
        if rest.first == "0" {
            rest.removeFirst()
            if alignment == nil { (fill, alignment) = ("0", "=") }
        }
        width = FormatSpecification.number(&rest) ?? 0
        if let first = rest.first, [",", "_"].contains(first) {
            grouping = first
            rest.removeFirst()
        }
        if rest.first == "." {
            rest.removeFirst()
            precision = FormatSpecification.number(&rest)
        }
        type = rest.popFirst()
        guard rest.isEmpty else {
            throw ChatTemplateError(.evaluation, "the format specification '\(String(scalars: text))' is not valid")
        }
    }

    private static func number(_ text: inout ArraySlice<Unicode.Scalar>) -> Int? {
        let digits = text.prefix { ("0"..."9").contains($0) }
        text = text.dropFirst(digits.count)
        return digits.isEmpty ? nil : Int(String(scalars: digits)) ?? .max
    }

    func apply(_ value: Value, in interpreter: Interpreter) throws(ChatTemplateError) -> String {
        let value = try value.defined()
        if let text = value.stringValue {
            guard type == nil || type == "s" else { throw mismatch(value) }
            let kept = precision.map { String(scalars: text.unicodeScalars.prefix($0)) } ?? text
            return try align(sign: "", kept, isNumber: false, in: interpreter)
        }
        if let integer = value.indexValue, type.map({ "dxXobn".unicodeScalars.contains($0) }) ?? true {
            return try format(integer, in: interpreter)
        }
        if let number = value.numericValue {
            guard type.map({ "eEfFgG%n".unicodeScalars.contains($0) }) ?? true else { throw mismatch(value) }
            return try format(number, in: interpreter)
        }
        guard type == nil, width == 0 else { throw mismatch(value) }
        return try interpreter.text(of: value)
    }

    private func format(_ integer: Int, in interpreter: Interpreter) throws(ChatTemplateError) -> String {
        let radix = type == "x" || type == "X" ? 16 : type == "o" ? 8 : type == "b" ? 2 : 10
        let digits = String(integer.magnitude, radix: radix, uppercase: type == "X")
        let prefix = isAlternate && radix != 10 ? "0\(type ?? "d")" : ""
        return try align(
            sign: sign(integer < 0) + prefix, grouped(digits, by: radix == 10 ? 3 : 4), isNumber: true, in: interpreter)
    }

    private func format(_ number: Double, in interpreter: Interpreter) throws(ChatTemplateError) -> String {
        let digits: String
        switch type {
        case nil where precision == nil: digits = number.magnitude.pythonDescription
        case "%": digits = PythonNumber.format(number.magnitude * 100, "f", precision: precision ?? 6) + "%"
        default:
            let conversion = type.map(Character.init) ?? "g"
            digits = PythonNumber.format(
                number.magnitude, conversion == "n" ? "g" : conversion, precision: precision ?? 6)
        }
        return try align(sign: sign(number.sign == .minus), grouped(digits, by: 3), isNumber: true, in: interpreter)
    }

    private func sign(_ isNegative: Bool) -> String { isNegative ? "-" : sign == "-" ? "" : String(sign) }

    /// The digits before the point in groups.
    private func grouped(_ digits: String, by size: Int) -> String {
        guard let grouping else { return digits }
        let whole = digits.prefix { $0.isHexDigit }
        var result = ""
        for (index, digit) in whole.enumerated() {
            if index > 0, (whole.count - index).isMultiple(of: size) { result.unicodeScalars.append(grouping) }
            result.append(digit)
        }
        return result + digits.dropFirst(whole.count)
    }

    private func align(
        sign: String, _ text: String, isNumber: Bool, in interpreter: Interpreter
    ) throws(ChatTemplateError) -> String {
        let fill = String(fill)
        switch alignment ?? (isNumber ? ">" : "<") {
        case "<": return try interpreter.pad(sign + text, to: width, with: fill, .left)
        case ">": return try interpreter.pad(sign + text, to: width, with: fill, .right)
        case "=": return sign + (try interpreter.pad(text, to: width - sign.count, with: fill, .right))
        default:
            let missing = max(0, width - sign.unicodeScalars.count - text.unicodeScalars.count)
            let left = try interpreter.pad(sign + text, to: width - (missing - missing / 2), with: fill, .right)
            return try interpreter.pad(left, to: width, with: fill, .left)
        }
    }

    private func mismatch(_ value: Value) -> ChatTemplateError {
        ChatTemplateError(.evaluation, "a value of type \(value.typeName) cannot be formatted this way")
    }
}
