internal import CEngine

/// How few tokens a text can become, told without tokenizing it, which may take time that grows with the square of its length.
package struct TokenBounds: Sendable {
    /// Bytes of the longest token that is not written like a control token.
    private let longestBytes: Int
    /// Texts of control tokens, longest first, by their first two bytes.
    private let controls: [UInt16: [[UInt8]]]

    /// Looks at every token of the vocabulary once.
    init(_ vocabulary: Vocabulary) {
        var longest = 1
        var controls: [UInt16: [[UInt8]]] = [:]
        for token in 0..<Int32(vocabulary.tokenCount) {
            let bytes = vocabulary.bytes(of: token, special: true)
            if vocabulary.isSpecial(token), bytes.count >= 2 {
                controls[Self.key(bytes[0], bytes[1]), default: []].append(bytes)
            } else {
                longest = max(longest, bytes.count)
            }
        }
        longestBytes = longest
        self.controls = controls.mapValues { $0.sorted { $0.count > $1.count } }
    }

    private static func key(_ first: UInt8, _ second: UInt8) -> UInt16 { UInt16(first) << 8 | UInt16(second) }

    /// A number that the tokens of the text are never below.
    package func fewestTokens(in text: String) -> Int {
        var text = text
        return text.withUTF8 { bytes in
            var special = 0
            var plainBytes = 0
            var index = 0
            while index < bytes.count {
                if index + 1 < bytes.count, let candidates = controls[Self.key(bytes[index], bytes[index + 1])],
                    let found = candidates.first(where: {
                        $0.count <= bytes.count - index && bytes[index..<(index + $0.count)].elementsEqual($0)
                    })
                {
                    special += 1
                    index += found.count
                } else {
                    plainBytes += 1
                    index += 1
                }
            }
            return special + (plainBytes + longestBytes - 1) / longestBytes
        }
    }
}
