import Testing

@testable import Engine

@Suite("What is looked at in a grammar before libllama reads it")
struct GrammarBoundsTests {
    @Test(
        "What would hang or overflow is refused by name",
        arguments: [
            (#"root ::= "a"{2,1}"#, "from 2 to 1"), (#"root ::= [a-z]{ 10 , 9 }"#, "from 10 to 9"),
            (#"root ::= "a"{99999999999999999999,3}"#, "to 3"), ("root ::= \"a\"{3, # so many\n 2}", "from 3 to 2"),
            ("root ::= \"a\u{0}\"", "zero byte at 11"),
            ("root ::= " + String(repeating: "(", count: 60_000), "brackets"),
            (String(repeating: "a ::= b\n", count: 200_001), "rules"),
            (String(repeating: " ", count: (4 << 20) + 1), "bytes"),
        ])
    func refused(grammar: String, reason: String) throws {
        let error = #expect(throws: EngineError.self) { try GrammarBounds.check(grammar) }
        #expect(error?.code == .badGrammar)
        #expect(error?.message.contains(reason) == true, "\(error?.message ?? "")")
    }

    @Test(
        "What only looks like it is not",
        arguments: [
            #"root ::= "{2,1}""#, #"root ::= "\"{2,1}""#, "root ::= [{2,1}]", #"root ::= [\]{2,1}]"#,
            "# {2,1}\nroot ::= \"a\"",
            #"root ::= "a"{2} "b"{2,} "c"{0,0} "d"{1,2}"#, "root ::= <{2,1}> \"a\"",
            "root ::= " + String(repeating: "(", count: 500) + "\"a\"" + String(repeating: ")", count: 500),
        ])
    func accepted(grammar: String) throws {
        try GrammarBounds.check(grammar)
    }
}
