internal import Bytes

/// The parts of JSON (RFC 8259) that a header is made of, read from a file through a small buffer.
///
/// Unlike a parser that makes values, it shows every key of an object, so that none hides another. It keeps nothing but its
/// buffer and the text that it reads; what the caller keeps of a header, and the limits on that, are the caller's.
struct JSONText {
    private static let chunkBytes = 64 * 1024

    private let source: any ByteSource
    private let end: UInt64
    private var buffer: [UInt8] = []
    private var bufferStart: UInt64
    private var place = 0

    init(source: any ByteSource, range: Range<UInt64>) {
        self.source = source
        self.end = range.upperBound
        self.bufferStart = range.lowerBound
    }

    /// Position in the file, in bytes.
    var offset: UInt64 { bufferStart + UInt64(place) }

    // MARK: Bytes

    /// The next byte; nil at the end of the text.
    mutating func peek() throws -> UInt8? {
        if place == buffer.count {
            bufferStart = offset
            place = 0
            buffer = try source.bytes(at: bufferStart, count: Int(min(end - bufferStart, UInt64(Self.chunkBytes))))
            if buffer.isEmpty { return nil }
        }
        return buffer[place]
    }

    private mutating func next() throws -> UInt8? {
        let byte = try peek()
        if byte != nil { place += 1 }
        return byte
    }

    mutating func skipSpace() throws {
        while let byte = try peek(), byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 { place += 1 }
    }

    private mutating func take(_ byte: UInt8) throws -> Bool {
        guard try peek() == byte else { return false }
        place += 1
        return true
    }

    private mutating func expect(_ byte: UInt8) throws {
        guard try take(byte) else { throw malformed("'\(Unicode.Scalar(byte))' is missing") }
    }

    private func malformed(_ what: String) -> SafetensorsError {
        SafetensorsError(.malformed, "the header is no JSON: \(what)", at: offset)
    }

    // MARK: Values

    /// Reads an object with keys of at most `keyBytes`; `member` gets each key with its position and reads the value.
    mutating func members(
        keyBytes: Int, _ member: (inout JSONText, [UInt8], UInt64) throws -> Void
    ) throws {
        try expect(UInt8(ascii: "{"))
        try skipSpace()
        if try take(UInt8(ascii: "}")) { return }
        while true {
            try skipSpace()
            let position = offset
            let key = try string(maximumBytes: keyBytes)
            try skipSpace()
            try expect(UInt8(ascii: ":"))
            try skipSpace()
            try member(&self, key, position)
            try skipSpace()
            if try take(UInt8(ascii: ",")) { continue }
            try expect(UInt8(ascii: "}"))
            return
        }
    }

    /// Reads an array of whole numbers from 0 to 2⁶⁴ − 1.
    mutating func numbers(maximumCount: Int) throws -> [UInt64] {
        try expect(UInt8(ascii: "["))
        var numbers: [UInt64] = []
        try skipSpace()
        if try take(UInt8(ascii: "]")) { return numbers }
        while true {
            try skipSpace()
            guard numbers.count < maximumCount else {
                throw SafetensorsError(.tooLarge, "an array has more than \(maximumCount) numbers", at: offset)
            }
            numbers.append(try number())
            try skipSpace()
            if try take(UInt8(ascii: ",")) { continue }
            try expect(UInt8(ascii: "]"))
            return numbers
        }
    }

    private mutating func number() throws -> UInt64 {
        let start = offset
        var value: UInt64 = 0
        var digits = 0
        while let byte = try peek(), (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) {
            guard digits == 0 || value > 0 else { throw malformed("a number begins with 0") }
            let (tenfold, overflow) = value.multipliedReportingOverflow(by: 10)
            let (sum, carry) = tenfold.addingReportingOverflow(UInt64(byte - UInt8(ascii: "0")))
            guard !overflow, !carry else {
                throw SafetensorsError(.badShape, "a number does not fit 64 bits", at: start)
            }
            value = sum
            digits += 1
            place += 1
        }
        guard digits > 0 else { throw malformed("a whole number is missing") }
        return value
    }

    /// Reads a text; its escapes are resolved.
    mutating func string(maximumBytes: Int) throws -> [UInt8] {
        let start = offset
        try expect(UInt8(ascii: "\""))
        var bytes: [UInt8] = []
        while true {
            guard let byte = try next() else { throw malformed("a text does not end") }
            switch byte {
            case UInt8(ascii: "\""):
                guard String(validating: bytes, as: UTF8.self) != nil else {
                    throw SafetensorsError(.malformed, "a text is not UTF-8", at: start)
                }
                return bytes
            case UInt8(ascii: "\\"): try appendEscape(to: &bytes)
            case 0..<0x20: throw malformed("a control character stands in a text")
            default: bytes.append(byte)
            }
            guard bytes.count <= maximumBytes else {
                throw SafetensorsError(.tooLarge, "a text is longer than \(maximumBytes) bytes", at: start)
            }
        }
    }

    private mutating func appendEscape(to bytes: inout [UInt8]) throws {
        switch try next() {
        case UInt8(ascii: "\""): bytes.append(0x22)
        case UInt8(ascii: "\\"): bytes.append(0x5C)
        case UInt8(ascii: "/"): bytes.append(0x2F)
        case UInt8(ascii: "b"): bytes.append(0x08)
        case UInt8(ascii: "f"): bytes.append(0x0C)
        case UInt8(ascii: "n"): bytes.append(0x0A)
        case UInt8(ascii: "r"): bytes.append(0x0D)
        case UInt8(ascii: "t"): bytes.append(0x09)
        case UInt8(ascii: "u"):
            var code = try codeUnit()
            if (0xD800..<0xDC00).contains(code) {
                guard try next() == UInt8(ascii: "\\"), try next() == UInt8(ascii: "u") else {
                    throw malformed("half a surrogate pair stands alone")
                }
                let low = try codeUnit()
                guard (0xDC00..<0xE000).contains(low) else { throw malformed("half a surrogate pair stands alone") }
                code = 0x10000 + (code - 0xD800) << 10 + (low - 0xDC00)
            }
            guard let scalar = Unicode.Scalar(code) else { throw malformed("half a surrogate pair stands alone") }
            bytes += Array(String(Character(scalar)).utf8)
        default: throw malformed("an unknown escape stands in a text")
        }
    }

    private mutating func codeUnit() throws -> UInt32 {
        var code: UInt32 = 0
        for _ in 0..<4 {
            guard let byte = try next(), let digit = Character(Unicode.Scalar(byte)).hexDigitValue, byte < 0x80 else {
                throw malformed("\\u wants four hexadecimal digits")
            }
            code = code << 4 | UInt32(digit)
        }
        return code
    }
}
