/// Changes of grammars as texts.
package enum GrammarText {
    /// A text as a literal.
    package static func literal(_ text: String) -> String { GrammarRules.literal(text) }

    /// The grammar with `(name? space)+`, in which a run of blanks can be read in countless ways, written as a list.
    ///
    /// libllama-common makes such rules for calls of tools; what they accept besides is blanks alone.
    package static func withoutLooseBlanks(_ grammar: String) -> String {
        let end = "? space)+"
        var result = ""
        var rest = Substring(grammar)
        while let found = rest.firstRange(of: end) {
            let before = rest[..<found.lowerBound]
            let name = before.reversed().prefix { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "-") }
            let start = before.index(before.endIndex, offsetBy: -name.count)
            if !name.isEmpty, start > before.startIndex, before[before.index(before: start)] == "(" {
                let item = before[start...]
                result += before[..<before.index(before: start)] + "\(item) (space \(item))* space"
            } else {
                result += before + end
            }
            rest = rest[found.upperBound...]
        }
        return result + rest
    }

    /// The grammar without the text that its `root` lets a model write right before a call; reasoning before that stays.
    ///
    /// libllama-common lets a model that must call a tool talk first, for as long as it likes.
    package static func withoutTextBeforeCalls(_ grammar: String) -> String {
        let lines = grammar.split(separator: "\n", omittingEmptySubsequences: false)
        return lines.map { line in
            guard line.hasPrefix("root ::= ") else { return String(line) }
            let parts = line.split(separator: " ", omittingEmptySubsequences: false)
            let kept = parts.indices.filter { index in
                guard isUntil(parts[index]) else { return true }
                let next = parts[(index + 1)...].first { $0 != "space" }
                return next?.contains("tool-call") != true
            }
            return kept.map { String(parts[$0]) }.joined(separator: " ")
        }.joined(separator: "\n")
    }

    /// Whether a part is a rule for a text up to a mark, as `until-13?`.
    private static func isUntil(_ part: Substring) -> Bool {
        part.hasPrefix("until-") && part.dropFirst(6).allSatisfy { $0.isNumber || $0 == "?" }
    }

    /// The grammar in which one rule has another name, wherever it is named.
    ///
    /// Literals, classes and comments are passed over. The new name must not be in the grammar yet.
    package static func renaming(_ name: String, to new: String, in grammar: String) -> String {
        let bytes = Array(grammar.utf8)
        let name = Array(name.utf8)
        var result: [UInt8] = []
        result.reserveCapacity(bytes.count + 64)
        var index = 0
        while index < bytes.count {
            let end = end(ofPartAt: index, in: bytes)
            if bytes[index..<end].elementsEqual(name) {
                result += Array(new.utf8)
            } else {
                result += bytes[index..<end]
            }
            index = end
        }
        return String(decoding: result, as: UTF8.self)
    }

    /// Where the literal, class, comment, name or single byte ends that begins here.
    private static func end(ofPartAt start: Int, in bytes: [UInt8]) -> Int {
        switch bytes[start] {
        case UInt8(ascii: "\""): return closing(UInt8(ascii: "\""), after: start, in: bytes)
        case UInt8(ascii: "["): return closing(UInt8(ascii: "]"), after: start, in: bytes)
        case UInt8(ascii: "#"): return bytes[start...].firstIndex(of: UInt8(ascii: "\n")) ?? bytes.count
        case let byte where isOfName(byte): return bytes[start...].firstIndex { !isOfName($0) } ?? bytes.count
        default: return start + 1
        }
    }

    private static func closing(_ mark: UInt8, after start: Int, in bytes: [UInt8]) -> Int {
        var index = start + 1
        while index < bytes.count {
            if bytes[index] == UInt8(ascii: "\\") {
                index += 2
            } else if bytes[index] == mark {
                return index + 1
            } else {
                index += 1
            }
        }
        return bytes.count
    }

    private static func isOfName(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"):
            true
        default: false
        }
    }
}
