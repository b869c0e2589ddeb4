import ShoalTestSupport
import Testing

@testable import Grammars

@Suite("Texts of GBNF grammars")
struct GBNFTextTests {
    struct Example: Sendable, CustomTestStringConvertible {
        let grammar: String
        let accepted: [String]
        let refused: [String]
        var testDescription: String { grammar }

        init(_ grammar: String, accepts accepted: [String], refuses refused: [String]) {
            self.grammar = grammar
            self.accepted = accepted
            self.refused = refused
        }
    }

    /// What the engine accepts; the surprising ones were tried with it.
    private static let examples: [Example] = [
        .init("root ::= \"ab\"{2}", accepts: ["abab"], refuses: ["", "ab", "abb", "ababab"]),
        .init("root ::= \"ab\" \"c\"*", accepts: ["ab", "abccc"], refuses: ["abab", "c"]),
        .init("root ::= \"a\"{2,3}", accepts: ["aa", "aaa"], refuses: ["a", "aaaa"]),
        .init("root ::= \"a\"{2,}", accepts: ["aa", "aaaaaaa"], refuses: ["", "a"]),
        .init("root ::= \"a\"{2}{3}", accepts: ["aaaaaa"], refuses: ["aaaaa", "aaa"]),
        .init("root ::= \"a\"{0} \"b\"", accepts: ["b"], refuses: ["ab", ""]),
        .init("root ::= (\"a\" | \"b\" |) \"c\"", accepts: ["ac", "bc", "c"], refuses: ["abc", "a"]),
        .init("root ::= [^a-c\\n]+", accepts: ["xyz", "é", "😀"], refuses: ["xa", "\n", ""]),
        .init("root ::= [a-]", accepts: ["a", "-"], refuses: ["b", "a-"]),
        .init("root ::= [-a^]+", accepts: ["-a^"], refuses: ["b"]),
        .init("root ::= [a-b-d]+", accepts: ["ab-d"], refuses: ["c"]),
        .init("root ::= [[\\]]+", accepts: ["[]"], refuses: ["\\"]),
        .init("root ::= \"\\x41\\u00e9\\U0001F600\\t\"", accepts: ["Aé😀\t"], refuses: ["Aé😀"]),
        .init("root ::= .", accepts: ["a", "\n", "語"], refuses: ["", "ab", "\u{0}"]),
        .init("root ::= x | y # or\nx ::= \"1\" y?\ny ::= \"2\"", accepts: ["1", "2", "12"], refuses: ["21"]),
        .init("root ::= (ws word?)*\nws ::= [ ]*\nword ::= [a-z]+ \".\"", accepts: ["", "  a. b."], refuses: ["a"]),
        .init("root ::= \"(\" root? \")\"", accepts: ["()", "((()))"], refuses: ["", "(()", "()()"]),
        .init("root ::= <x>? \"a\"", accepts: ["a"], refuses: ["<x>a"]),
    ]

    @Test("A grammar accepts and refuses what the engine does", arguments: examples)
    func texts(_ example: Example) throws {
        let grammar = try GBNFGrammar(judging: example.grammar)
        for text in example.accepted { #expect(grammar.accepts(text), "\(text)") }
        for text in example.refused { #expect(!grammar.accepts(text), "\(text)") }
    }

    @Test("Samples are accepted, fit, and differ", arguments: examples.map(\.grammar) + [JSONGrammar.object])
    func samples(text: String) throws {
        let grammar = try GBNFGrammar(judging: text)
        var random = SeededRandom(seed: 11)
        var samples: Set<String> = []
        for _ in 0..<40 {
            let sample = try #require(grammar.sample(using: &random, maximumScalars: 30))
            #expect(sample.unicodeScalars.count <= 30)
            #expect(grammar.accepts(sample), "\(sample)")
            samples.insert(sample)
        }
        if grammar.accepts("()") || text == JSONGrammar.object { #expect(samples.count > 3) }
    }

    @Test("There is no sample where the shortest text is too long, or only tokens lead on")
    func noSamples() throws {
        var random = SeededRandom(seed: 12)
        let long = try GBNFGrammar(judging: "root ::= \"a\"{20} | \"b\"{21}")
        #expect(long.sample(using: &random, maximumScalars: 19) == nil)
        #expect(long.sample(using: &random, maximumScalars: 20) == String(repeating: "a", count: 20))
        #expect(try GBNFGrammar(judging: "root ::= <[1]> \"a\"").sample(using: &random, maximumScalars: 9) == nil)
    }

    @Test("Long texts are read in bounds")
    func longTexts() throws {
        let nested = try GBNFGrammar(judging: "root ::= \"(\" root? \")\"")
        let open = String(repeating: "(", count: 100_000)
        #expect(nested.accepts(open + String(repeating: ")", count: 100_000)))
        #expect(!nested.accepts(open))
    }
}
