import Grammars
import JSON
import Testing

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// How long each parser is fed what chance makes; nil: not in this run. `make fuzz` says so.
private let fuzzSeconds = ProcessInfo.processInfo.environment["SHOAL_FUZZ_SECONDS"].flatMap(Int.init)
/// Where chance begins.
private let fuzzSeed = ProcessInfo.processInfo.environment["SHOAL_FUZZ_SEED"].flatMap { UInt64($0) } ?? 1

/// Runs `body` with one seed after the other for as long as is wanted, and says how often.
private func fuzz(_ name: String, _ body: (UInt64) throws -> Void) rethrows {
    let end = ContinuousClock.now.advanced(by: .seconds(fuzzSeconds ?? 0))
    var rounds: UInt64 = 0
    while ContinuousClock.now < end {
        try body(fuzzSeed &+ rounds)
        rounds += 1
    }
    print("fuzzed \(name): \(rounds) rounds from seed \(fuzzSeed)")
    #expect(rounds > 0)
}

@Suite("Fuzzing of grammars and schemas", .enabled(if: fuzzSeconds != nil))
struct GrammarFuzzTests {
    @Test("Any grammar is judged")
    func grammars() {
        fuzz("grammars") { seed in
            var maker = RandomGrammar(seed: seed)
            let text = maker.text()
            _ = try? GBNFGrammar(judging: text)
            _ = try? GBNFGrammar(judging: maker.damaged(maker.damaged(text)))
        }
    }

    @Test("Any schema is a grammar that can be used, or an error")
    func schemas() {
        fuzz("schemas") { seed in
            var generator = HostileSchemaGenerator(seed: seed)
            let schema = generator.next()
            guard let grammar = try? JSONGrammar.matching(schema: schema) else { return }
            do throws(GrammarError) {
                _ = try GBNFGrammar(judging: grammar)
            } catch {
                // Large or ambiguous ones are refused; what is no grammar at all would be a fault of ours.
                #expect(
                    ![GrammarError.Code.syntax, .unknownRule, .noRoot].contains(error.code), "seed \(seed): \(error)")
            }
        }
    }
}
