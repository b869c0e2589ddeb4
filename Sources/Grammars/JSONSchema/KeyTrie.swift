import JSON
import OrderedCollections

/// Keys that a member may not have, letter by letter, to make a rule for all others.
struct KeyTrie {
    private struct Node {
        /// The next letters as strings spell them.
        var children: OrderedDictionary<Unicode.Scalar, Int> = [:]
        var isKey = false
    }

    private var nodes = [Node()]

    /// More letters would make a grammar that is too large.
    static let mostLetters = 10_000

    init(_ keys: some Sequence<String>) {
        for key in keys {
            var node = 0
            for letter in key.unicodeScalars {
                if let next = nodes[node].children[letter] {
                    node = next
                } else {
                    nodes[node].children[letter] = nodes.count
                    node = nodes.count
                    nodes.append(Node())
                }
            }
            nodes[node].isKey = true
        }
    }

    /// Characters that other keys consist of. Each has one spelling, so that a key in disguise is not taken for another.
    private static let alphabet = CharacterSet.plain.union(CharacterSet(characters: "\"\\\n\r\t\u{8}\u{C}"))

    /// A string in quotes that is none of the keys.
    func rule(in rules: inout GrammarRules, name: String) -> GrammarExpression {
        let character = rules.short(KeyTrie.alphabet.inString, "key-char")
        let any = GrammarExpression.repeated(character, minimum: 0, maximum: nil)
        let indices = nodes.map { _ in rules.reserve(name) }
        for (node, index) in zip(nodes, indices) {
            var options: [GrammarExpression] = node.isKey ? [] : [.empty]
            let others = KeyTrie.alphabet.subtracting(
                CharacterSet(node.children.keys.map { $0.value...$0.value }))
            options.append(.sequence([others.inString, any]))
            for (letter, next) in node.children where KeyTrie.alphabet.contains(letter) {
                options.append(.sequence([.literal(CharacterSet.spelled(letter)), .rule(indices[next])]))
            }
            rules.set(index, .oneOf(options))
            if rules.isTooLarge { break }
        }
        return rules.rule(name, .sequence([.literal("\""), .rule(indices[0]), .literal("\"")]))
    }
}
