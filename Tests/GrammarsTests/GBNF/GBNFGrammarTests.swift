import JSON
import Testing

@testable import Grammars

@Suite("Grammars that clients send")
struct GBNFGrammarTests {
    struct Refusal: Sendable, CustomTestStringConvertible {
        let name: String
        let text: String
        let code: GrammarError.Code
        let line: Int
        let column: Int
        var testDescription: String { name }

        init(_ text: String, _ code: GrammarError.Code, _ line: Int, _ column: Int, name: String? = nil) {
            self.name = name ?? text
            self.text = text
            self.code = code
            self.line = line
            self.column = column
        }
    }

    @Test("What the engine refuses, or would not survive, is refused with its place", arguments: refusals)
    func refuses(_ refusal: Refusal) throws {
        let error = try #require(throws: GrammarError.self) {
            try GBNFGrammar(judging: refusal.text, tokenCount: 1000)
        }
        #expect(error.code == refusal.code, "\(error)")
        #expect(error.line == refusal.line && error.column == refusal.column, "\(error)")
        #expect(error.description == "line \(error.line), column \(error.column): \(error.message)")
    }

    private static let refusals: [Refusal] =
        syntax + names + characters + repetitions + tokens + sizes + ways

    private static let syntax: [Refusal] = [
        .init("", .noRoot, 1, 1, name: "nothing"), .init("# only\n", .noRoot, 1, 1), .init("root", .syntax, 1, 5),
        .init("root := \"a\"", .syntax, 1, 6), .init("ro_ot ::= \"a\"", .syntax, 1, 3),
        .init("::= \"a\"", .syntax, 1, 1), .init("root ::= \"a\"\n| \"b\"", .syntax, 2, 1),
        .init("root ::= \"a\" x ::= \"b\"", .syntax, 1, 16), .init("root ::=\nx ::= \"b\"", .syntax, 2, 3),
        .init("root ::= \"a", .syntax, 1, 10), .init("root ::= \"a\\\"", .syntax, 1, 10),
        .init("root ::= \"\\", .syntax, 1, 11), .init("root ::= [a-", .syntax, 1, 10),
        .init("root ::= [a", .syntax, 1, 10), .init("root ::= (\"a\"", .syntax, 1, 10),
        .init("root ::= (\"a\" | (\n\"b\")", .syntax, 1, 10), .init("root ::= \"a\")", .syntax, 1, 13),
        .init("root ::= (\"a\"]", .syntax, 1, 14), .init("root ::= 'a'", .syntax, 1, 10),
        .init("root ::= \"\\q\"", .syntax, 1, 11), .init("root ::= \"\\x4\"", .syntax, 1, 11),
        .init("root ::= \"\\u12g4\"", .syntax, 1, 11), .init("root ::= \"\\U1234567\"", .syntax, 1, 11),
        .init("root ::= [\\x]", .syntax, 1, 11), .init("root ::= \"語é\" ]", .syntax, 1, 15),
        .init("\r\n\rroot ::= \"a\" ]", .syntax, 3, 14),
        .init("root ::= \"a\"\nroot ::= \"b\"", .syntax, 2, 1, name: "a rule defined twice"),
    ]

    private static let names: [Refusal] = [
        .init("a ::= \"a\"", .noRoot, 1, 1), .init("a ::= root", .noRoot, 1, 7),
        .init("root ::= \"a\" b", .unknownRule, 1, 14),
        .init("root ::= \"a\"\nx ::= (\"b\" | y)*", .unknownRule, 2, 14),
        .init("root ::= root \"a\"", .leftRecursive, 1, 10),
        .init("root ::= \"b\" | root \"a\"", .leftRecursive, 1, 16),
        .init("root ::= a\na ::= b\nb ::= a | \"x\"", .leftRecursive, 3, 7),
        .init("root ::= a\na ::= b? a | \"x\"\nb ::= \"b\"", .leftRecursive, 2, 10),
        .init("root ::= \"x\"**", .leftRecursive, 1, 14), .init("root ::= (\"x\" | )*", .leftRecursive, 1, 18),
        .init("root ::= \"x\"\na ::= a \"y\"", .leftRecursive, 2, 7, name: "left recursion that root does not reach"),
        .init(
            "root ::= a root \"y\" | \"x\"\na ::= b\nb ::= \"z\" |", .leftRecursive, 1, 12,
            name: "left recursion that the engine does not see"),
        .init("root ::= \"a\" root", .endless, 1, 1), .init("root ::= \"a\" | b\nb ::= \"c\" b", .endless, 2, 1),
        .init("root ::= \"a\" (\"b\" root)", .endless, 1, 1),
        .init("root ::= \"a\" | (\"b\" root2)\nroot2 ::= [a] root2+", .endless, 1, 16),
    ]

    private static let characters: [Refusal] = [
        .init("root ::= \"\\x00\"", .emptyCharacter, 1, 11), .init("root ::= \"a\u{0}b\"", .emptyCharacter, 1, 12),
        .init("root ::= \"a\" # \u{0}", .emptyCharacter, 1, 16), .init("root ::= [\\x00]", .emptyCharacter, 1, 10),
        .init("root ::= \"\\uD83D\\uDE00\"", .emptyCharacter, 1, 11),
        .init("root ::= \"\\U00110000\"", .emptyCharacter, 1, 11),
        .init("root ::= [\\uD800-\\uDFFF]", .emptyCharacter, 1, 10), .init("root ::= []", .emptyCharacter, 1, 10),
        .init("root ::= [^]", .emptyCharacter, 1, 10), .init("root ::= [^\\x01-\\U0010FFFF]", .emptyCharacter, 1, 10),
        .init("root ::= [a-cz-x]", .emptyCharacter, 1, 14),
        .init("root ::= [^\\x00-\\UFFFFFFFF]", .emptyCharacter, 1, 10),
    ]

    private static let repetitions: [Refusal] = [
        .init("root ::= \"a\"{2,1}", .syntax, 1, 13), .init("root ::= \"a\"{3,0}", .syntax, 1, 13),
        .init("root ::= *", .syntax, 1, 10), .init("root ::= \"a\" | ?", .syntax, 1, 16),
        .init("root ::= \"\"*", .syntax, 1, 12), .init("root ::= \"a\"{0}+", .syntax, 1, 16),
        .init("root ::= \"a\"{}", .syntax, 1, 14), .init("root ::= \"a\"{,3}", .syntax, 1, 14),
        .init("root ::= \"a\"{1;2}", .syntax, 1, 15), .init("root ::= \"a\"{1", .syntax, 1, 15),
        .init("root ::= \"a\"{-1}", .syntax, 1, 14), .init("root ::= \"a\"{1000000}", .tooLarge, 1, 13),
        .init("root ::= \"a\"{2001,}", .tooLarge, 1, 13), .init("root ::= \"a\"{0,2001}", .tooLarge, 1, 13),
        .init("root ::= \"a\"{18446744073709551615}", .tooLarge, 1, 13),
        .init("root ::= \"a\"{1,99999999999999999999999}", .tooLarge, 1, 13),
        .init("root ::= \"a\"{50}{50}", .tooLarge, 1, 17),
        .init("root ::= ((\"a\"{0,100}){0,100}){0,100}", .tooLarge, 1, 23),
        .init("root ::= (\"a\" | (\"b\" | (\"c\" | \"d\"?))){1000}", .tooLarge, 1, 38),
    ]

    private static let tokens: [Refusal] = [
        .init("root ::= <[1000]>", .unknownToken, 1, 10), .init("root ::= !<[4294967296]>", .unknownToken, 1, 10),
        .init("root ::= <[99999999999999999999]>", .unknownToken, 1, 10), .init("root ::= <[]>", .syntax, 1, 12),
        .init("root ::= <[1>", .syntax, 1, 13), .init("root ::= <[1]", .syntax, 1, 13),
        .init("root ::= <[-1]>", .syntax, 1, 12), .init("root ::= <think", .syntax, 1, 10),
        .init("root ::= !think", .syntax, 1, 11),
        .init("root ::= [a-z]+ !<[5]>", .unknownToken, 1, 17), .init("root ::= \"a\" <[5]>", .unknownToken, 1, 14),
        .init("root ::= . <|end|>", .unknownToken, 1, 12),
        .init("root ::= \"x\" a b\na ::= \"y\"?\nb ::= !<x>+", .unknownToken, 1, 16),
        .init("root ::= <" + String(repeating: "|x|", count: 100) + ">", .tooLarge, 1, 10, name: "a long token"),
    ]

    private static let sizes: [Refusal] = [
        .init("root ::= " + String(repeating: "(", count: 60_000), .tooDeep, 1, 210, name: "60,000 parentheses"),
        .init(
            "root ::= " + String(repeating: "(\"a\" | ", count: 300) + "\"b\"" + String(repeating: ")", count: 300),
            .tooDeep,
            1, 1410, name: "300 groups, closed"),
        .init("root ::= \"" + String(repeating: "a", count: 1 << 20) + "\"", .tooLarge, 1, 1, name: "1 MB of text"),
        .init(
            "root ::= \"" + String(repeating: "a", count: 450_000) + "\"", .tooLarge, 1, 400_011,
            name: "450,000 characters"),
        .init(
            "root ::= \"a\"\n" + (0..<100_000).map { "r\($0)::=\n" }.joined(), .tooLarge, 1, 1, name: "100,000 rules"),
        .init(
            "root ::= " + String(repeating: "()", count: 100_000), .tooLarge, 1, 131_080, name: "100,000 groups"),
        .init(
            "root ::= " + (0..<100).map { _ in "[a-z]{0,1000} \"x\"" }.joined(), .tooLarge, 1, 1120,
            name: "100,000 repetitions"),
        .init(
            "root ::= \"" + String(repeating: "a", count: 10_000) + "\"{2000}", .tooLarge, 1, 10_012,
            name: "a long text many times"),
        .init(
            "root ::= \"a\" x\n" + String(repeating: "x", count: 10_000) + " ::= \"b\"{0,2000}", .tooLarge, 2, 1,
            name: "a long name"),
        .init(
            "root ::= [" + String(repeating: "ac", count: 600) + "]", .tooLarge, 1, 10, name: "a large class"),
        .init(
            "root ::= r0\n" + (0..<2000).map { "r\($0) ::= r\($0 + 1) \"a\"\n" }.joined() + "r2000 ::= \"b\"", .tooDeep,
            1002, 11, name: "2000 rules that begin with one another"),
    ]

    private static let ways: [Refusal] = [
        .init("root ::= ((\"a\"? \"b\"?){0,40}){0,40}", .ambiguous, 1, 29),
        .init("root ::= (\"a\"? \"b\"? \"c\"? \"d\"?){0,200}", .ambiguous, 1, 12),
        .init("root ::= ([ \\t]+)*", .ambiguous, 1, 11), .init("root ::= (\"-\"+)+ \"x\"", .ambiguous, 1, 12),
        .init("root ::= (\" \"?){0,30} \"x\"", .ambiguous, 1, 12),
        .init("root ::= s s\ns ::= \" \" | s2\ns2 ::= s3 s3\ns3 ::= \" \"* \" \"* \" \"* \" \"*", .ambiguous, 4, 14),
        .init(
            "root ::= a0\n" + (0..<50).map { "a\($0) ::= a\($0 + 1) | a\($0 + 1) \"x\"\n" }.joined() + "a50 ::= \"x\"",
            .ambiguous, 1, 1, name: "2^50 ways to begin"),
        .init(
            "root ::= a0\n" + (0..<30).map { "a\($0) ::= a\($0 + 1)? a\($0 + 1)?\n" }.joined() + "a30 ::= \"x\"",
            .ambiguous, 1, 1, name: "3^30 ways to begin"),
        .init(
            "root ::= " + (0..<3000).map { "\"a\($0)\"" }.joined(separator: " | "), .ambiguous, 1, 19_381,
            name: "3000 words at once"),
        .init(
            "root ::= \"" + String(repeating: "z", count: 1000) + "\" " + String(repeating: "[a-z]* ", count: 20),
            .ambiguous,
            1, 1090, name: "ways that show only after 1000 characters"),
        .init(
            "root ::= " + String(repeating: "(", count: 100) + "\"a\" root? " + String(repeating: "\"b\")", count: 100),
            .tooDeep, 1, 111, name: "100 levels with every character"),
    ]

    // MARK: - Accepted

    private static let accepted: [(name: String, text: String)] = [
        ("any text", "root ::= .*"), ("nothing at all", "root ::="), ("no text", "root ::= \"\""),
        ("json object", JSONGrammar.object),
        (
            "sums",
            "root ::= (sum \"=\" ws part \"\\n\")+\nsum ::= part ([-+*/] part)*\npart ::= name | num | \"(\" ws sum \")\" ws\n"
                + "name ::= [a-z] [a-z0-9_]* ws\nnum ::= [0-9]+ ws\nws ::= [ \\t\\n]*"
        ),
        (
            "lines",
            "root ::= line+\n# no ends of lines\nline ::= \"- \" [^\\r\\n\\x0b\\x0c\\x85\\u2028\\u2029]+ \"\\n\""
        ),
        ("Japanese", "root ::= sign+ ([ \\n] sign+)*\r\nsign ::= kana | [一-鿿]\r\nkana ::= [ぁ-ゟ] | [ァ-ヿ]\r\n"),
        ("groups over lines", "root ::= (\n  \"a\" # first\n  |\n  (\"b\"\n  {2}\n  )\n)\n"),
        ("an alternative on the next line", "root ::= \"a\" |\n \"b\""),
        ("thinking", "root ::= <think> inner </think> .*\ninner ::= !</think>*"),
        ("thinking by number", "root ::= <[100]> inner <[101]> .*\ninner ::= !<[101]>*"),
        ("text up to a token", "root ::= [^<]+ </think>"), ("words", "root ::= ([a-z]+ \" \"?)*"),
        ("what can be empty, again and again", "root ::= (ws word?)*\nws ::= [ ]*\nword ::= [a-z]+ \".\""),
        ("a rule that nobody needs", "root ::= \"a\"\nb ::= \"b\" b"),
        ("nested", "root ::= \"(\" root? \")\" | \"[\" root* \"]\""), ("long repetition", "root ::= [^\"]{0,2000}"),
        ("all escapes", #"root ::= "\x41\u00e9\U0001F600\t\r\n\\\"\[\]\-" [\]\[\-a-]"#),
        (
            "1,000 words that begin alike",
            "root ::= " + (0..<1000).map { "\"word-with-prefix-\($0)\"" }.joined(separator: " | ")
        ),
        ("NUL among others", #"root ::= [^\x00-\x1F]* [\x00-\x7F]"#),
        (
            "a set of moves",
            "root ::= move (\" \" move){0,39}\nmove ::= ([NBRQK]? [a-h]? [1-8]? \"x\"? [a-h] [1-8] | \"O-O\" \"-O\"?) [+#]?"
        ),
    ]

    @Test("Ordinary grammars pass", arguments: accepted.map(\.name))
    func accepts(name: String) throws {
        let text = try #require(Self.accepted.first { $0.name == name }?.text)
        let grammar = try GBNFGrammar(judging: text, tokenCount: 1000)
        #expect(grammar.workCount < 350_000)
    }

    @Test(
        "Grammars of schemas pass",
        arguments: [
            #"{"type":"string","maxLength":10000}"#, #"{"type":"array","items":{"type":"integer"},"maxItems":1000}"#,
            ##"{"$defs":{"n":{"type":"object","properties":{"v":{},"next":{"$ref":"#/$defs/n"}}}},"$ref":"#/$defs/n"}"##,
            #"{"type":"string","pattern":"^[a-z]+([-.][a-z]+)*@[a-z]+\\.[a-z]{2,}$"}"#,
            #"{"type":"object","properties":{"#
                + (0..<200).map { #""property\#($0)":{"type":"string","maxLength":50}"# }.joined(separator: ",") + "}}",
        ])
    func schemas(text: String) throws {
        _ = try GBNFGrammar(judging: JSONGrammar.matching(schema: JSONValue(parsing: text)))
    }
}
