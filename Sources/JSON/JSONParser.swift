import OrderedCollections

extension JSONValue {
    /// Reads one JSON document (RFC 8259) and nothing after it but white space.
    ///
    /// Of equal keys in an object the last one wins. An escaped surrogate without its other half becomes U+FFFD. Numbers keep the
    /// form in which they are written.
    ///
    /// - Throws: ``JSONParsingError`` with the byte where the text stops being JSON.
    package init(parsing text: String, limits: JSONLimits = .defaults) throws(JSONParsingError) {
        try self.init(parsing: Array(text.utf8), limits: limits)
    }

    /// Reads one JSON document from UTF-8 bytes.
    package init(parsing bytes: [UInt8], limits: JSONLimits = .defaults) throws(JSONParsingError) {
        // The result is carried out as a value: a closure that throws a typed error loses its type in the standard library's method.
        let result = bytes.withUnsafeBytes { buffer in
            Result { () throws(JSONParsingError) in try JSONValue(parsing: buffer, limits: limits) }
        }
        self = try result.get()
    }

    /// Reads one JSON document from UTF-8 bytes where they lie.
    package init(parsing bytes: UnsafeRawBufferPointer, limits: JSONLimits = .defaults) throws(JSONParsingError) {
        var parser = JSONParser(bytes: bytes.assumingMemoryBound(to: UInt8.self), limits: limits)
        self = try parser.document()
    }

    /// Reads one JSON document from any UTF-8 bytes.
    package init(parsing bytes: some Sequence<UInt8>, limits: JSONLimits = .defaults) throws(JSONParsingError) {
        try self.init(parsing: Array(bytes), limits: limits)
    }
}

/// A recursive-descent parser over UTF-8 bytes.
private struct JSONParser {
    let bytes: UnsafeBufferPointer<UInt8>
    let limits: JSONLimits
    var offset = 0
    /// Values read so far, and how many of them are arrays and objects.
    private var nodes = 0
    private var containers = 0

    init(bytes: UnsafeBufferPointer<UInt8>, limits: JSONLimits) {
        self.bytes = bytes
        self.limits = limits
    }

    mutating func document() throws(JSONParsingError) -> JSONValue {
        guard bytes.count <= limits.sizeBytes else {
            throw failure(
                .tooLarge, at: limits.sizeBytes,
                "the text has \(bytes.count) bytes, at most \(limits.sizeBytes) are accepted")
        }
        let value = try value(depth: 0)
        skipWhitespace()
        guard offset == bytes.count else { throw unexpected(expecting: "the end of the text") }
        return value
    }

    private mutating func value(depth: Int) throws(JSONParsingError) -> JSONValue {
        skipWhitespace()
        nodes += 1
        guard nodes <= limits.nodes else {
            throw failure(.tooLarge, at: offset, "there are more than \(limits.nodes) values")
        }
        switch peek {
        case UInt8(ascii: "{"): return try object(depth: depth + 1)
        case UInt8(ascii: "["): return try array(depth: depth + 1)
        case UInt8(ascii: "\""): return .string(try string())
        case UInt8(ascii: "t"): return try literal("true", .bool(true))
        case UInt8(ascii: "f"): return try literal("false", .bool(false))
        case UInt8(ascii: "n"): return try literal("null", .null)
        case let byte where byte == UInt8(ascii: "-") || isDigit(byte): return try number()
        default: throw unexpected(expecting: "a value")
        }
    }

    private mutating func object(depth: Int) throws(JSONParsingError) -> JSONValue {
        try enter(depth)
        var members = OrderedDictionary<String, JSONValue>()
        skipWhitespace()
        if consume(UInt8(ascii: "}")) { return .object(members) }
        while true {
            skipWhitespace()
            guard peek == UInt8(ascii: "\"") else {
                throw unexpected(expecting: members.isEmpty ? "a key in quotes or '}'" : "a key in quotes")
            }
            let key = try string()
            skipWhitespace()
            guard consume(UInt8(ascii: ":")) else { throw unexpected(expecting: "':' after the key") }
            members[key] = try value(depth: depth)
            skipWhitespace()
            if consume(UInt8(ascii: ",")) { continue }
            if consume(UInt8(ascii: "}")) { return .object(members) }
            throw unexpected(expecting: "',' or '}'")
        }
    }

    private mutating func array(depth: Int) throws(JSONParsingError) -> JSONValue {
        try enter(depth)
        var elements: [JSONValue] = []
        skipWhitespace()
        if consume(UInt8(ascii: "]")) { return .array(elements) }
        while true {
            elements.append(try value(depth: depth))
            skipWhitespace()
            if consume(UInt8(ascii: ",")) { continue }
            if consume(UInt8(ascii: "]")) { return .array(elements) }
            throw unexpected(expecting: "',' or ']'")
        }
    }

    /// Steps over an opening bracket, unless that is one too many.
    private mutating func enter(_ depth: Int) throws(JSONParsingError) {
        guard depth <= limits.depth else {
            throw failure(.tooDeep, at: offset, "arrays and objects are nested deeper than \(limits.depth)")
        }
        containers += 1
        guard containers <= limits.containers else {
            throw failure(.tooLarge, at: offset, "there are more than \(limits.containers) arrays and objects")
        }
        offset += 1
    }

    private mutating func literal(_ word: StaticString, _ value: JSONValue) throws(JSONParsingError) -> JSONValue {
        for index in 0..<word.utf8CodeUnitCount {
            guard peek == word.utf8Start[index] else { throw unexpected(expecting: "'\(word)'") }
            offset += 1
        }
        return value
    }

    // MARK: - Numbers

    private mutating func number() throws(JSONParsingError) -> JSONValue {
        let start = offset
        _ = consume(UInt8(ascii: "-"))
        if !consume(UInt8(ascii: "0")) { try digits() }
        var isInteger = true
        if consume(UInt8(ascii: ".")) {
            isInteger = false
            try digits()
        }
        if peek == UInt8(ascii: "e") || peek == UInt8(ascii: "E") {
            isInteger = false
            offset += 1
            if peek == UInt8(ascii: "+") || peek == UInt8(ascii: "-") { offset += 1 }
            try digits()
        }
        let text = String(decoding: bytes[start..<offset], as: UTF8.self)
        if isInteger, let value = Int(text), value != 0 || text == "0" { return .integer(value) }
        guard let value = Double(text), value.isFinite else {
            throw failure(.numberOutOfRange, at: start, "the number is too large for 64-bit floating point")
        }
        return value.pythonDescription == text ? .number(value) : .literal(text)
    }

    private mutating func digits() throws(JSONParsingError) {
        guard isDigit(peek) else { throw unexpected(expecting: "a digit") }
        while isDigit(peek) { offset += 1 }
    }

    private func isDigit(_ byte: UInt8?) -> Bool {
        guard let byte else { return false }
        return byte &- UInt8(ascii: "0") < 10
    }

    // MARK: - Strings

    private mutating func string() throws(JSONParsingError) -> String {
        let start = offset
        offset += 1
        var unescaped: [UInt8] = []
        var runStart = offset
        while offset < bytes.count {
            let byte = bytes[offset]
            if byte == UInt8(ascii: "\"") {
                let run = UnsafeBufferPointer(rebasing: bytes[runStart..<offset])
                offset += 1
                let text: String?
                if unescaped.isEmpty {
                    text = String(validating: run, as: UTF8.self)
                } else {
                    unescaped += run
                    text = String(validating: unescaped, as: UTF8.self)
                }
                guard let text else {
                    throw failure(.invalidUTF8, at: start, "the string that begins here is not valid UTF-8")
                }
                return text
            } else if byte == UInt8(ascii: "\\") {
                unescaped += bytes[runStart..<offset]
                try appendEscape(to: &unescaped)
                runStart = offset
            } else if byte < 0x20 {
                throw unexpected(expecting: "an escape instead of a control character in a string")
            } else {
                offset += 1
            }
        }
        throw unexpected(expecting: "the closing quote of the string that begins at byte \(start)")
    }

    private mutating func appendEscape(to text: inout [UInt8]) throws(JSONParsingError) {
        offset += 1
        switch peek {
        case UInt8(ascii: "\""): text.append(0x22)
        case UInt8(ascii: "\\"): text.append(0x5C)
        case UInt8(ascii: "/"): text.append(0x2F)
        case UInt8(ascii: "b"): text.append(0x08)
        case UInt8(ascii: "f"): text.append(0x0C)
        case UInt8(ascii: "n"): text.append(0x0A)
        case UInt8(ascii: "r"): text.append(0x0D)
        case UInt8(ascii: "t"): text.append(0x09)
        case UInt8(ascii: "u"):
            offset += 1
            if let units = UTF8.encode(try escapedScalar()) { text += units }
            return
        default: throw unexpected(expecting: "one of \" \\ / b f n r t u after a backslash")
        }
        offset += 1
    }

    /// The scalar of `\uXXXX` whose digits begin here, with the low surrogate that may follow.
    private mutating func escapedScalar() throws(JSONParsingError) -> Unicode.Scalar {
        let unit = try fourHexDigits()
        if let scalar = Unicode.Scalar(unit) { return scalar }
        guard (0xD800..<0xDC00).contains(unit), offset + 1 < bytes.count, bytes[offset] == UInt8(ascii: "\\"),
            bytes[offset + 1] == UInt8(ascii: "u")
        else { return "\u{FFFD}" }
        let afterHigh = offset
        offset += 2
        let low = try fourHexDigits()
        guard (0xDC00..<0xE000).contains(low) else {
            offset = afterHigh  // another escape of its own
            return "\u{FFFD}"
        }
        return Unicode.Scalar(0x10000 + (UInt32(unit) - 0xD800) << 10 + (UInt32(low) - 0xDC00)) ?? "\u{FFFD}"
    }

    private mutating func fourHexDigits() throws(JSONParsingError) -> UInt16 {
        var value: UInt16 = 0
        for _ in 0..<4 {
            let digit: UInt8
            switch peek {
            case let byte? where isDigit(byte): digit = byte - UInt8(ascii: "0")
            case let byte? where (UInt8(ascii: "a")...UInt8(ascii: "f")).contains(byte): digit = byte - 87
            case let byte? where (UInt8(ascii: "A")...UInt8(ascii: "F")).contains(byte): digit = byte - 55
            default: throw unexpected(expecting: "four hexadecimal digits after \\u")
            }
            value = value << 4 | UInt16(digit)
            offset += 1
        }
        return value
    }

    // MARK: - Bytes

    private var peek: UInt8? { offset < bytes.count ? bytes[offset] : nil }

    private mutating func consume(_ byte: UInt8) -> Bool {
        guard peek == byte else { return false }
        offset += 1
        return true
    }

    private mutating func skipWhitespace() {
        while offset < bytes.count {
            switch bytes[offset] {
            case 0x20, 0x0A, 0x0D, 0x09: offset += 1
            default: return
            }
        }
    }

    private func unexpected(expecting expectation: String) -> JSONParsingError {
        let found =
            switch peek {
            case nil: "the end of the text"
            case .some(let byte) where (0x21..<0x7F).contains(byte): "'\(Unicode.Scalar(byte))'"
            case .some(let byte): "the byte 0x" + String(byte, radix: 16, uppercase: true)
            }
        return failure(.syntax, at: offset, "expected \(expectation), found \(found)")
    }

    private func failure(_ code: JSONParsingError.Code, at offset: Int, _ message: String) -> JSONParsingError {
        JSONParsingError(code: code, offset: offset, message: message)
    }
}
