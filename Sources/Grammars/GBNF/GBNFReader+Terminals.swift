extension GBNFReader {
    /// Reads a text between quotes.
    func literal(into items: inout [GBNFItem]) throws(GrammarError) {
        let start = position
        position += 1
        while byte != UInt8(ascii: "\"") {
            guard byte != 0 else { throw failure(.syntax, at: start, "this literal has no end") }
            let offset = position
            try append(.character, try literal(try character(), at: offset), at: offset, to: &items)
        }
        position += 1
    }

    /// Reads a class of characters between brackets.
    func characterClass(into items: inout [GBNFItem]) throws(GrammarError) {
        let start = position
        position += 1
        let isNegated = byte == UInt8(ascii: "^")
        if isNegated { position += 1 }
        var ranges: [ClosedRange<UInt32>] = []
        var elements = 0
        while byte != UInt8(ascii: "]") {
            guard byte != 0 else { throw failure(.syntax, at: start, "this class has no end") }
            let offset = position
            let low = try character()
            var high = low
            elements += 1
            if byte == UInt8(ascii: "-"), next(1) != UInt8(ascii: "]") {
                position += 1
                guard byte != 0 else { throw failure(.syntax, at: start, "this class has no end") }
                high = try character()
                elements += 1
            }
            guard low <= high else { throw failure(.emptyCharacter, at: offset, "a range that ends before it begins") }
            ranges.append(low...high)
            guard elements <= limits.classElements else {
                throw failure(.tooLarge, at: start, "a class of more than \(limits.classElements) elements")
            }
        }
        position += 1
        let characters =
            isNegated
            ? GBNFCharacters(excluding: ranges, elementCount: elements)
            : GBNFCharacters(ranges, elementCount: elements)
        guard !ranges.isEmpty, !characters.isEmpty else {
            throw failure(.emptyCharacter, at: start, "a class without a character that a text can have")
        }
        self.characters.append(characters)
        try append(.character, Int32(self.characters.count - 1), at: start, to: &items)
    }

    /// Reads one character of a literal or a class, escaped or not.
    private func character() throws(GrammarError) -> UInt32 {
        let start = position
        guard byte == UInt8(ascii: "\\") else { return unescaped() }
        position += 2
        switch next(-1) {
        case UInt8(ascii: "x"): return try hexadecimal(2, at: start)
        case UInt8(ascii: "u"): return try hexadecimal(4, at: start)
        case UInt8(ascii: "U"): return try hexadecimal(8, at: start)
        case UInt8(ascii: "t"): return 0x09
        case UInt8(ascii: "r"): return 0x0D
        case UInt8(ascii: "n"): return 0x0A
        case let escaped where #"\"[]-"#.utf8.contains(escaped): return UInt32(escaped)
        default:
            throw failure(.syntax, at: start, #"an escape other than \x, \u, \U, \t, \r, \n, \\, \", \[, \] and \-"#)
        }
    }

    /// Reads a character of UTF-8, which the text is known to be.
    private func unescaped() -> UInt32 {
        let first = byte
        position += 1
        guard first >= 0xC0 else { return UInt32(first) }
        let count = first >= 0xF0 ? 3 : first >= 0xE0 ? 2 : 1
        var value = UInt32(first) & (0x3F >> UInt32(count))
        for _ in 0..<count {
            value = value << 6 | UInt32(byte & 0x3F)
            position += 1
        }
        return value
    }

    private func hexadecimal(_ digits: Int, at start: Int) throws(GrammarError) -> UInt32 {
        var value: UInt32 = 0
        for _ in 0..<digits {
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"): value = value << 4 | UInt32(byte - UInt8(ascii: "0"))
            case UInt8(ascii: "a")...UInt8(ascii: "f"): value = value << 4 | UInt32(byte - UInt8(ascii: "a") + 10)
            case UInt8(ascii: "A")...UInt8(ascii: "F"): value = value << 4 | UInt32(byte - UInt8(ascii: "A") + 10)
            default: throw failure(.syntax, at: start, "an escape that needs \(digits) hexadecimal digits")
            }
            position += 1
        }
        return value
    }

    /// Reads `<[number]>` or `<text>`, either with a `!` before it.
    func token(into items: inout [GBNFItem]) throws(GrammarError) {
        let start = position
        let isOther = byte == UInt8(ascii: "!")
        if isOther { position += 1 }
        guard byte == UInt8(ascii: "<") else { throw failure(.syntax, at: position, "expected < after !") }
        position += 1
        var number: Int32 = -1
        if byte == UInt8(ascii: "[") {
            position += 1
            number = try tokenNumber(at: start)
        } else {
            while byte != 0, byte != UInt8(ascii: ">") { position += 1 }
            guard byte != 0 else { throw failure(.syntax, at: start, "this token has no end") }
            guard position - start <= limits.tokenBytes else {
                throw failure(.tooLarge, at: start, "a token of more than \(limits.tokenBytes) bytes")
            }
        }
        position += 1
        try append(isOther ? .otherToken : .token, number, at: start, to: &items)
    }

    /// Reads a number and the bracket behind it, up to the `>`.
    private func tokenNumber(at start: Int) throws(GrammarError) -> Int32 {
        guard GBNFReader.isDigit(byte) else { throw failure(.syntax, at: position, "expected the number of a token") }
        let digits = position
        let end = tokenCount ?? Int(Int32.max)
        var value = 0
        while GBNFReader.isDigit(byte) {
            value = min(value * 10 + Int(byte - UInt8(ascii: "0")), Int(Int32.max))
            position += 1
        }
        guard value < end else {
            let number = String(decoding: bytes[digits..<min(position, digits + 20)], as: UTF8.self)
            throw failure(.unknownToken, at: start, "there is no token \(number): the vocabulary has \(end)")
        }
        guard byte == UInt8(ascii: "]"), next(1) == UInt8(ascii: ">") else {
            throw failure(.syntax, at: position, "expected ]> after the number of a token")
        }
        position += 1
        return Int32(value)
    }
}
