/// A header value with parameters: `form-data; name="file"; filename="a.bin"` (RFC 9110 section 5.6.6).
///
/// A backslash in a quoted value escapes a quote or a backslash and stands for itself otherwise, so that the paths that some
/// clients send survive.
struct HeaderParameters {
    /// What stands before the first semicolon, in lower case.
    let value: String
    private var parameters: [String: String] = [:]

    /// The parameter `name`, which is given in lower case.
    subscript(name: String) -> String? { parameters[name] }

    /// - Throws: `MultipartError` of code `badHeader` where the value is malformed or names a parameter twice.
    init(_ text: some StringProtocol) throws(MultipartError) {
        var scanner = Scanner(bytes: Array(text.utf8)[...])
        let value = scanner.take { $0 != UInt8(ascii: ";") }
        self.value = Scanner.trimmed(value).lowercased()
        while scanner.skip(UInt8(ascii: ";")) {
            scanner.skipBlanks()
            // Some clients end the list with a semicolon.
            if scanner.isAtEnd { break }
            let name = scanner.token().lowercased()
            guard !name.isEmpty, scanner.skip(UInt8(ascii: "=")), let value = scanner.parameterValue() else {
                throw MultipartError(.badHeader, "a parameter of “\(self.value.prefix(40))” is malformed")
            }
            scanner.skipBlanks()
            guard parameters.updateValue(value, forKey: name) == nil else {
                throw MultipartError(.badHeader, "\(name.prefix(40)) is there twice")
            }
        }
        guard scanner.isAtEnd else {
            throw MultipartError(.badHeader, "a parameter of “\(self.value.prefix(40))” is malformed")
        }
    }

    private struct Scanner {
        var bytes: ArraySlice<UInt8>

        var isAtEnd: Bool { bytes.isEmpty }

        mutating func take(while isWanted: (UInt8) -> Bool) -> ArraySlice<UInt8> {
            let taken = bytes.prefix(while: isWanted)
            bytes = bytes.dropFirst(taken.count)
            return taken
        }

        mutating func skip(_ byte: UInt8) -> Bool {
            guard bytes.first == byte else { return false }
            bytes.removeFirst()
            return true
        }

        mutating func skipBlanks() { _ = take { $0 == 0x20 || $0 == 0x09 } }

        mutating func token() -> String { String(decoding: take(while: isTokenByte), as: UTF8.self) }

        /// A token or a quoted string; nil where there is neither.
        mutating func parameterValue() -> String? {
            guard skip(UInt8(ascii: "\"")) else {
                let token = token()
                return token.isEmpty ? nil : token
            }
            var value: [UInt8] = []
            while let byte = bytes.popFirst() {
                if byte == UInt8(ascii: "\"") { return String(decoding: value, as: UTF8.self) }
                if byte == UInt8(ascii: "\\"), let next = bytes.first,
                    next == UInt8(ascii: "\"") || next == UInt8(ascii: "\\")
                {
                    value.append(next)
                    bytes.removeFirst()
                } else {
                    value.append(byte)
                }
            }
            return nil
        }

        static func trimmed(_ bytes: ArraySlice<UInt8>) -> String {
            let start = bytes.drop { $0 == 0x20 || $0 == 0x09 }
            let end = start.reversed().drop { $0 == 0x20 || $0 == 0x09 }
            return String(decoding: end.reversed(), as: UTF8.self)
        }
    }
}

/// Whether a byte may stand in a token (RFC 9110 section 5.6.2).
func isTokenByte(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
        UInt8(ascii: "0")...UInt8(ascii: "9"):
        true
    default: "!#$%&'*+-.^_`|~".utf8.contains(byte)
    }
}
