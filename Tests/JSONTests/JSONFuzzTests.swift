import JSON
import ShoalTestSupport
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

@Suite("Fuzzing of JSON", .enabled(if: fuzzSeconds != nil))
struct JSONFuzzTests {
    @Test("Any bytes are a document that reads back as itself, or no document")
    func anyBytes() throws {
        let pieces = [
            "{", "}", "[", "]", ":", ",", "\"", "\\", "\\u", "\\ud83d", "0", "-", "1e5", ".5", "true", "null", "é",
            "\u{0}", " ",
            "\"a\":", "12345678901234567890", "1.10",
        ].map { Array($0.utf8) }
        try fuzz("JSON") { seed in
            var random = SeededRandom(seed: seed)
            var bytes: [UInt8] = []
            for _ in 0..<Int.random(in: 0..<40, using: &random) {
                if Int.random(in: 0..<20, using: &random) == 0 {
                    bytes.append(UInt8.random(in: 0...255, using: &random))
                } else {
                    bytes += pieces.randomElement(using: &random) ?? []
                }
            }
            guard let value = try? JSONValue(parsing: bytes) else { return }
            let again = try JSONValue(parsing: value.serialized())
            #expect(again == value, "seed \(seed)")
        }
    }
}
