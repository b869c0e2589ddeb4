extension Lexer {
    /// Reads an integer (decimal, or with the prefix 0x, 0o or 0b) or a floating point number; underscores may separate digits.
    mutating func readNumber() throws(ChatTemplateError) -> Token.Kind {
        if peek == "0", position + 1 < source.count, let radix = radix(of: source[position + 1]) {
            let start = position + 2
            var end = start
            while end < source.count, source[end] == "_" || Int(String(source[end]), radix: radix) != nil { end += 1 }
            if let value = Int(digits(start..<end), radix: radix) {
                position = end
                return .integer(value)
            }
        }
        let start = position
        // Digits after "x.0" are a key, never a fraction.
        let followsDot = start > 0 && source[start - 1] == "."
        var end = endOfDigits(from: start)
        var isFloat = false
        if !followsDot {
            if end < source.count, source[end] == ".", endOfDigits(from: end + 1) > end + 1 {
                end = endOfDigits(from: end + 1)
                isFloat = true
            }
            if end < source.count, source[end] == "e" || source[end] == "E" {
                let signed = end + 1 < source.count && ["+", "-"].contains(source[end + 1]) ? end + 2 : end + 1
                if endOfDigits(from: signed) > signed {
                    end = endOfDigits(from: signed)
                    isFloat = true
                }
            }
        }
        position = end
        let text = digits(start..<end)
        if isFloat, let value = Double(text) { return .float(value) }
        guard let value = Int(text) else { throw failure("the number \(text) does not fit 64 bits") }
        guard value == 0 || source[start] != "0" else { throw failure("the number \(text) begins with a zero") }
        return .integer(value)
    }

    private func radix(of letter: Unicode.Scalar) -> Int? {
        switch letter {
        case "x", "X": 16
        case "o", "O": 8
        case "b", "B": 2
        default: nil
        }
    }

    private func endOfDigits(from start: Int) -> Int {
        var end = start
        while end < source.count {
            if ("0"..."9").contains(source[end]) {
                end += 1
            } else if source[end] == "_", end > start, end + 1 < source.count, ("0"..."9").contains(source[end + 1]) {
                end += 2
            } else {
                break
            }
        }
        return end
    }

    private func digits(_ range: Range<Int>) -> String { text(range).filter { $0 != "_" } }

    /// Reads a string in quotes with Python's escapes.
    mutating func readString(quote: Unicode.Scalar) throws(ChatTemplateError) -> String {
        var value = String.UnicodeScalarView()
        var index = position + 1
        while index < source.count, source[index] != quote {
            if source[index] == "\\" {
                index += 1
                try appendEscape(at: &index, to: &value)
            } else {
                value.append(source[index])
                index += 1
            }
        }
        guard index < source.count else { throw failure("the string is not closed: \(quote) is missing") }
        advance(to: index + 1)
        return String(value)
    }

    private func appendEscape(at index: inout Int, to value: inout String.UnicodeScalarView) throws(ChatTemplateError) {
        guard index < source.count else { throw failure("the string ends in a backslash") }
        let letter = source[index]
        index += 1
        switch letter {
        case "n": value.append("\n")
        case "t": value.append("\t")
        case "r": value.append("\r")
        case "a": value.append("\u{7}")
        case "b": value.append("\u{8}")
        case "f": value.append("\u{C}")
        case "v": value.append("\u{B}")
        case "\\", "'", "\"": value.append(letter)
        case "\n": break
        case "0"..."7":
            var code = letter.value - 0x30
            var count = 1
            while count < 3, index < source.count, ("0"..."7").contains(source[index]) {
                code = code * 8 + source[index].value - 0x30
                index += 1
                count += 1
            }
            value.append(Unicode.Scalar(code) ?? "\u{FFFD}")
        case "x": value.append(try hexadecimal(2, at: &index))
        case "u": value.append(try hexadecimal(4, at: &index))
        case "U": value.append(try hexadecimal(8, at: &index))
        case "N": throw failure("escapes by name (\\N) are not supported: use \\u with the character's number")
        default:
            value.append("\\")
            value.append(letter)
        }
    }

    /// The scalar whose number has `count` hexadecimal digits here; surrogates are joined where two follow each other.
    private func hexadecimal(_ count: Int, at index: inout Int) throws(ChatTemplateError) -> Unicode.Scalar {
        let code = try hexadecimalNumber(count, at: &index)
        if (0xD800..<0xDC00).contains(code), index + 6 <= source.count, source[index] == "\\", source[index + 1] == "u"
        {
            var next = index + 2
            let low = try hexadecimalNumber(4, at: &next)
            if (0xDC00..<0xE000).contains(low) {
                index = next
                return Unicode.Scalar(0x10000 + (code - 0xD800) << 10 + (low - 0xDC00)) ?? "\u{FFFD}"
            }
        }
        return Unicode.Scalar(code) ?? "\u{FFFD}"
    }

    private func hexadecimalNumber(_ count: Int, at index: inout Int) throws(ChatTemplateError) -> UInt32 {
        guard index + count <= source.count, let code = UInt32(text(index..<index + count), radix: 16) else {
            throw failure("an escape needs \(count) hexadecimal digits")
        }
        index += count
        return code
    }
}
