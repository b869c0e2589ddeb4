import OrderedCollections

/// Python's `format % values`.
///
/// Conversions are `%s %r %a %d %i %u %x %X %o %c %e %E %f %F %g %G %%`, with flags, width and precision, by position or by name
/// (`%(name)s`).
struct PercentFormat {
    private let format: [Unicode.Scalar]

    init(_ format: String) { self.format = Array(format.unicodeScalars) }

    private struct Conversion {
        var name: String?
        var flags: Set<Unicode.Scalar> = []
        var width = 0
        var precision: Int?
        var letter: Unicode.Scalar = "s"
    }

    func apply(_ values: Value, in interpreter: Interpreter) throws(ChatTemplateError) -> String {
        var positional: [Value]
        switch try values.defined() {
        case .tuple(let elements): positional = elements.items
        default: positional = [values]
        }
        var isConsumed = positional.isEmpty
        if case .dictionary = values { isConsumed = true }
        var result = ""
        var index = 0
        while index < format.count {
            guard format[index] == "%" else {
                result.unicodeScalars.append(format[index])
                index += 1
                continue
            }
            index += 1
            let conversion = try self.conversion(at: &index)
            if conversion.letter == "%" {
                result += "%"
                continue
            }
            let value: Value
            if let name = conversion.name {
                value = try interpreter.item(.string(name), of: values).defined()
            } else {
                guard !positional.isEmpty else {
                    throw ChatTemplateError(.evaluation, "the format has more conversions than there are values")
                }
                value = positional.removeFirst()
            }
            isConsumed = isConsumed || positional.isEmpty
            result += try text(of: value, conversion, in: interpreter)
            try interpreter.charge(textBytes: result.utf8.count / 8)
        }
        guard isConsumed, positional.isEmpty || values.length == nil || !isTuple(values) else {
            throw ChatTemplateError(.evaluation, "the format has fewer conversions than there are values")
        }
        return result
    }

    private func isTuple(_ value: Value) -> Bool {
        if case .tuple = value { true } else { false }
    }

    private func conversion(at index: inout Int) throws(ChatTemplateError) -> Conversion {
        var conversion = Conversion()
        if index < format.count, format[index] == "(" {
            guard let end = format[index...].firstIndex(of: ")") else {
                throw ChatTemplateError(.evaluation, "a name in the format is not closed: ')' is missing")
            }
            conversion.name = String(scalars: format[(index + 1)..<end])
            index = end + 1
        }
        while index < format.count, "#0- +".unicodeScalars.contains(format[index]) {
            conversion.flags.insert(format[index])
            index += 1
        }
        conversion.width = number(at: &index)
        if index < format.count, format[index] == "." {
            index += 1
            conversion.precision = number(at: &index)
        }
        guard index < format.count else {
            throw ChatTemplateError(.evaluation, "the format ends in an incomplete conversion")
        }
        conversion.letter = format[index]
        index += 1
        return conversion
    }

    private func number(at index: inout Int) -> Int {
        var value = 0
        while index < format.count, ("0"..."9").contains(format[index]) {
            value = value.saturatingMultiplied(by: 10).saturatingAdding(Int(format[index].value) - 0x30)
            index += 1
        }
        return value
    }

    private func text(
        of value: Value, _ conversion: Conversion, in interpreter: Interpreter
    ) throws(ChatTemplateError) -> String {
        switch conversion.letter {
        case "s", "r", "a":
            var text = try interpreter.text(of: value)
            if conversion.letter != "s" { text = value.representation }
            if let precision = conversion.precision { text = String(scalars: text.unicodeScalars.prefix(precision)) }
            return try padded(text, conversion, isNumber: false, in: interpreter)
        case "c":
            guard
                let text = value.stringValue
                    ?? value.indexValue.flatMap({ Unicode.Scalar(UInt32(clamping: $0)) }).map(String.init),
                text.unicodeScalars.count == 1
            else { throw ChatTemplateError(.evaluation, "'%c' needs one character") }
            return try padded(text, conversion, isNumber: false, in: interpreter)
        case "d", "i", "u", "x", "X", "o":
            return try integer(value, conversion, in: interpreter)
        case "e", "E", "f", "F", "g", "G":
            guard let number = try value.defined().numericValue else { throw needsNumber(conversion, value) }
            let text = PythonNumber.format(
                number.magnitude, Character(conversion.letter), precision: conversion.precision ?? 6,
                isAlternate: conversion.flags.contains("#"))
            return try padded(
                sign(number.sign == .minus, conversion) + text, conversion, isNumber: true, in: interpreter)
        default:
            throw ChatTemplateError(.evaluation, "the format has an unknown conversion '%\(conversion.letter)'")
        }
    }

    private func integer(
        _ value: Value, _ conversion: Conversion, in interpreter: Interpreter
    ) throws(ChatTemplateError) -> String {
        let isDecimal = ["d", "i", "u"].contains(conversion.letter)
        var integer = try value.defined().indexValue
        if integer == nil, isDecimal { integer = value.numericValue.flatMap { Int(exactly: $0.rounded(.towardZero)) } }
        guard let integer else { throw needsNumber(conversion, value) }
        let radix = isDecimal ? 10 : conversion.letter == "o" ? 8 : 16
        var digits = String(integer.magnitude, radix: radix, uppercase: conversion.letter == "X")
        if let precision = conversion.precision {
            digits = try interpreter.pad(digits, to: precision, with: "0", .right)
        }
        if !isDecimal, conversion.flags.contains("#") { digits = "0\(conversion.letter)" + digits }
        return try padded(sign(integer < 0, conversion) + digits, conversion, isNumber: true, in: interpreter)
    }

    private func sign(_ isNegative: Bool, _ conversion: Conversion) -> String {
        isNegative ? "-" : conversion.flags.contains("+") ? "+" : conversion.flags.contains(" ") ? " " : ""
    }

    private func padded(
        _ text: String, _ conversion: Conversion, isNumber: Bool, in interpreter: Interpreter
    ) throws(ChatTemplateError) -> String {
        if conversion.flags.contains("-") { return try interpreter.pad(text, to: conversion.width, with: " ", .left) }
        guard isNumber, conversion.flags.contains("0") else {
            return try interpreter.pad(text, to: conversion.width, with: " ", .right)
        }
        let signLength = text.first.map { "+- ".contains($0) } ?? false ? 1 : 0
        let digits = String(text.dropFirst(signLength))
        return text.prefix(signLength)
            + (try interpreter.pad(digits, to: conversion.width - signLength, with: "0", .right))
    }

    private func needsNumber(_ conversion: Conversion, _ value: Value) -> ChatTemplateError {
        ChatTemplateError(.evaluation, "'%\(conversion.letter)' needs a number, not a value of type \(value.typeName)")
    }
}
