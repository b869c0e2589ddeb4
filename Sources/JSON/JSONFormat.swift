import OrderedCollections

/// How a ``JSONValue`` is written as text.
package struct JSONFormat: Hashable, Sendable {
    /// Between elements and between members.
    package var itemSeparator: String
    /// Between a key and its value.
    package var keySeparator: String
    /// What one level of nesting is indented by; `nil` keeps everything on one line.
    package var indentation: String?
    /// Whether everything beyond ASCII is escaped.
    package var ensuresASCII: Bool
    /// Whether keys are written in the order of their code points instead of their own.
    package var sortsKeys: Bool

    package init(
        itemSeparator: String = ",", keySeparator: String = ":", indentation: String? = nil, ensuresASCII: Bool = false,
        sortsKeys: Bool = false
    ) {
        self.itemSeparator = itemSeparator
        self.keySeparator = keySeparator
        self.indentation = indentation
        self.ensuresASCII = ensuresASCII
        self.sortsKeys = sortsKeys
    }

    /// No white space at all.
    package static let compact = JSONFormat()

    /// Two spaces for each level, for people to read.
    package static let pretty = JSONFormat(keySeparator: ": ", indentation: "  ")

    /// What Python's `json.dumps` prints with the same arguments; its items are separated by ", " unless there is an indentation.
    package static func python(ensuresASCII: Bool = true, indentation: String? = nil, sortsKeys: Bool = false)
        -> JSONFormat
    {
        JSONFormat(
            itemSeparator: indentation == nil ? ", " : ",", keySeparator: ": ", indentation: indentation,
            ensuresASCII: ensuresASCII, sortsKeys: sortsKeys)
    }
}

extension JSONValue {
    /// The document as text. Numbers that JSON cannot express (infinities) become `null`.
    package func serialized(_ format: JSONFormat = .compact) -> String {
        var text = ""
        write(to: &text, format: format, depth: 0)
        return text
    }

    /// The document as UTF-8 bytes.
    package func serializedBytes(_ format: JSONFormat = .compact) -> [UInt8] { Array(serialized(format).utf8) }

    private func write(to text: inout String, format: JSONFormat, depth: Int) {
        switch self {
        case .null: text += "null"
        case .bool(let value): text += value ? "true" : "false"
        case .integer(let value): text += String(value)
        case .number(let value): text += value.isFinite ? value.pythonDescription : "null"
        case .literal(let written): text += written
        case .string(let value): value.writeQuoted(to: &text, ensuresASCII: format.ensuresASCII)
        case .array(let elements):
            JSONValue.writeList(elements, brackets: ("[", "]"), to: &text, format: format, depth: depth) {
                text, element in
                element.write(to: &text, format: format, depth: depth + 1)
            }
        case .object(let members):
            var entries = members.map { ($0.key, $0.value) }
            if format.sortsKeys { entries.sort { $0.0.utf8.lexicographicallyPrecedes($1.0.utf8) } }
            JSONValue.writeList(entries, brackets: ("{", "}"), to: &text, format: format, depth: depth) { text, entry in
                entry.0.writeQuoted(to: &text, ensuresASCII: format.ensuresASCII)
                text += format.keySeparator
                entry.1.write(to: &text, format: format, depth: depth + 1)
            }
        }
    }

    private static func writeList<Item>(
        _ items: [Item], brackets: (String, String), to text: inout String, format: JSONFormat, depth: Int,
        write: (inout String, Item) -> Void
    ) {
        text += brackets.0
        for (index, item) in items.enumerated() {
            if index > 0 { text += format.itemSeparator }
            if let indentation = format.indentation { text += "\n" + String(repeating: indentation, count: depth + 1) }
            write(&text, item)
        }
        if let indentation = format.indentation, !items.isEmpty {
            text += "\n" + String(repeating: indentation, count: depth)
        }
        text += brackets.1
    }
}

extension String {
    /// Appends the string in quotes, escaped as Python's `json` module escapes.
    fileprivate func writeQuoted(to text: inout String, ensuresASCII: Bool) {
        text += "\""
        // What needs no escape goes over in pieces.
        let bytes = utf8
        var start = bytes.startIndex
        var index = start
        while index != bytes.endIndex {
            let byte = bytes[index]
            guard byte < 0x20 || byte == 0x22 || byte == 0x5C || (ensuresASCII && byte > 0x7E) else {
                bytes.formIndex(after: &index)
                continue
            }
            text += self[start..<index]
            text += unicodeScalars[index].escaped
            unicodeScalars.formIndex(after: &index)
            start = index
        }
        text += self[start..<index]
        text += "\""
    }
}

extension Unicode.Scalar {
    /// As it stands in a JSON string that may not hold it as it is.
    fileprivate var escaped: String {
        switch self {
        case "\"": return "\\\""
        case "\\": return "\\\\"
        case "\n": return "\\n"
        case "\r": return "\\r"
        case "\t": return "\\t"
        case "\u{8}": return "\\b"
        case "\u{C}": return "\\f"
        default:
            var text = ""
            for unit in String(self).utf16 {
                let digits = String(unit, radix: 16)
                text += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            }
            return text
        }
    }
}

extension JSONValue {
    /// Whether the text of this would have more than `bytes` bytes, or about that; looks no further than it has to.
    package func isLarger(than bytes: Int) -> Bool {
        var left = bytes
        return !fits(in: &left)
    }

    private func fits(in left: inout Int) -> Bool {
        left -= 2
        switch self {
        case .null, .bool, .integer, .number: left -= 2
        case .literal(let text), .string(let text): left -= text.utf8.count
        case .array(let elements):
            for element in elements {
                guard left >= 0, element.fits(in: &left) else { return false }
            }
        case .object(let members):
            for (key, value) in members {
                left -= key.utf8.count + 3
                guard left >= 0, value.fits(in: &left) else { return false }
            }
        }
        return left >= 0
    }
}
