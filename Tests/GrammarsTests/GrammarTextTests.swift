import Grammars
import Testing

@Suite("Changes of grammars as texts")
struct GrammarTextTests {
    @Test(
        "A rule is renamed wherever it is named, and nowhere else",
        arguments: [
            ("root ::= \"root\" root-x root", "start ::= \"root\" root-x start"),
            ("root ::= [root] root? # root\nx ::= (root)*", "start ::= [root] start? # root\nx ::= (start)*"),
            (#"root ::= "\"root" root"#, #"start ::= "\"root" start"#), ("root ::= \"open", "start ::= \"open"),
        ])
    func renaming(grammar: String, expected: String) {
        #expect(GrammarText.renaming("root", to: "start", in: grammar) == expected)
    }

    @Test(
        "Runs of blanks that can be read in countless ways become lists",
        arguments: [
            ("tool-calls ::= (tool-call? space)+\n", "tool-calls ::= tool-call (space tool-call)* space\n"),
            ("a ::= (b? space)+ | (c? space)+", "a ::= b (space b)* space | c (space c)* space"),
            ("a ::= ((b | c)? space)+", "a ::= ((b | c)? space)+"), ("? space)+", "? space)+"),
        ])
    func blanks(grammar: String, expected: String) {
        #expect(GrammarText.withoutLooseBlanks(grammar) == expected)
    }

    @Test(
        "Text before a call that must come goes, reasoning stays",
        arguments: [
            (
                "root ::= \"a\" space until-3? tool-calls\nx ::= until-3? tool-call",
                "root ::= \"a\" space tool-calls\nx ::= until-3? tool-call"
            ),
            (
                "root ::= (\"<think>\" until-1 \"</think>\")? until-2 space tool-call-root",
                "root ::= (\"<think>\" until-1 \"</think>\")? space tool-call-root"
            ), ("root ::= until-1 \"x\"", "root ::= until-1 \"x\""),
        ])
    func textBeforeCalls(grammar: String, expected: String) {
        #expect(GrammarText.withoutTextBeforeCalls(grammar) == expected)
    }
}
