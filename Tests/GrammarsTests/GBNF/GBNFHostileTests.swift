import ShoalTestSupport
import Testing

@testable import Grammars

@Suite("Hostile grammars")
struct GBNFHostileTests {
    /// What judging may cost, whatever the text.
    private func mostWork(_ text: String, _ limits: GrammarLimits) -> Int {
        text.utf8.count + limits.elements + GBNFDryRun.mostSteps(limits) + 10 * limits.stacks + 2 * limits.paths
    }

    /// Judges a grammar, checks its work and the place of its error, and returns whether it passed.
    @discardableResult
    private func judge(_ text: String, limits: GrammarLimits = .defaults) -> Bool {
        var work = 0
        defer { #expect(work <= mostWork(text, limits), "\(text.prefix(200))") }
        do throws(GrammarError) {
            _ = try GBNFGrammar.rules(text, tokenCount: 1000, limits: limits, work: &work)
            return true
        } catch {
            let lines = text.unicodeScalars.reduce(1) { $0 + ($1 == "\n" || $1 == "\r" ? 1 : 0) }
            #expect((1...lines).contains(error.line) && error.column >= 1, "\(error)")
            #expect(error.column <= text.unicodeScalars.count + 1, "\(error)")
            return false
        }
    }

    @Test("Random grammars, whole and damaged, are judged within the work allowed", arguments: 0..<8)
    func random(part: UInt64) {
        var passed = 0
        for seed in part * 250..<(part + 1) * 250 {
            var maker = RandomGrammar(seed: seed)
            let text = maker.text()
            if judge(text) { passed += 1 }
            judge(maker.damaged(text))
        }
        // The generator would test nothing if all were refused at once.
        #expect((40...240).contains(passed))
    }

    @Test("Grammars made to be costly are judged within the work allowed", arguments: 0..<8)
    func costly(part: UInt64) {
        var random = SeededRandom(seed: 100 + part)
        for _ in 0..<15 { judge(costly(&random)) }
    }

    /// Something repeated, nested, chained or branched as often as chance wants.
    private func costly(_ random: inout SeededRandom) -> String {
        let count = [3, 30, 300, 3000, 20_000].randomElement(using: &random) ?? 3
        let part =
            [
                "\"a\"", "[a-z]", "\"a\"?", "[ \\n]*", "(\"a\"? \"b\"?)", "x", ".", "\" \"{0,9}", "(\"a\" | \"ab\")",
                "x?",
            ]
            .randomElement(using: &random) ?? "x"
        let maximum = [2, 20, 200, 2000].randomElement(using: &random) ?? 2
        let x =
            ["\nx ::= \"a\"", "\nx ::= \"a\" x?", "\nx ::= [a-z]* \"b\"?", "\nx ::= \"(\" x* \")\""].randomElement(
                using: &random) ?? ""
        switch Int.random(in: 0..<10, using: &random) {
        case 0: return "root ::= " + String(repeating: part + " ", count: count) + x
        case 1: return "root ::= (\(part) \(part)){0,\(maximum)} \(part)" + x
        case 2: return "root ::= ((\(part)){0,\(maximum)} (\(part)){1,}){0,\(maximum)}" + x
        case 3: return "root ::= " + (0..<count).map { "\"w\($0)\" \(part)" }.joined(separator: " | ") + x
        case 4: return "root ::= (" + (0..<count).map { "\"\($0 % 10)\" \(part)" }.joined(separator: " | ") + ")*" + x
        case 5:
            return "root ::= r0\n" + (0..<count).map { "r\($0) ::= r\($0 + 1) \(part) | \(part) r\($0 + 1)\n" }.joined()
                + "r\(count) ::= \(part)" + x
        case 6:
            return "root ::= r0\n" + (0..<count).map { "r\($0) ::= \(part) r\($0 + 1)? r\($0 + 1)?\n" }.joined()
                + "r\(count) ::= \(part)" + x
        case 7:
            let depth = min(count, 250)
            return "root ::= " + String(repeating: "(\(part) ", count: depth) + "root?"
                + String(repeating: " \(part))", count: depth) + x
        case 8: return "root ::= \"" + String(repeating: "é", count: count) + "\"{\(maximum)} \(part)" + x
        default:
            let digits = (0..<count).map { String(0x10000 + $0 * 3, radix: 16) }
            return "root ::= ([" + digits.map { "\\U000\($0)" }.joined() + "] \(part))*" + x
        }
    }

    @Test("Smaller limits hold as the defaults do")
    func limits() {
        var limits = GrammarLimits()
        limits.sizeBytes = 200
        limits.rules = 20
        limits.elements = 100
        limits.nestingDepth = 3
        limits.repetition = 10
        limits.stacks = 8
        limits.paths = 50
        limits.steps = 500
        for seed in 0..<200 as Range<UInt64> {
            var maker = RandomGrammar(seed: seed)
            judge(maker.text(), limits: limits)
        }
        #expect(judge("root ::= \"a\" | [b-d]{0,4}", limits: limits))
        for text in [
            "root ::= ((((\"a\"))))", "root ::= \"a\"{11}", "root ::= " + String(repeating: "(\"a\")", count: 21),
            "root ::= \"" + String(repeating: "a", count: 101) + "\"",
            "root ::= [a-z]? [a-z]? [a-z]? [a-z]? [a-z]? [a-z]?",
        ] {
            #expect(!judge(text, limits: limits), "\(text)")
        }
    }
}
