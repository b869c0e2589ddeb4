import JSON
import Testing

@testable import Grammars

@Suite("Bounds of schemas", .serialized)
struct SchemaBoundsTests {
    /// Some 40 times what the slowest example takes by itself, because tests run beside others.
    private static let mostTime = Duration.seconds(2)

    @Test(
        "A schema that means harm soon ends in a grammar that is small, or in an error", arguments: HostileSchemas.all)
    func hostile(_ example: HostileSchemas.Example) throws {
        switch Self.outcome(example.schema) {
        case .success: #expect(!example.isRefused)
        case .failure(let error): #expect(example.isRefused, "\(error)")
        }
    }

    @Test("Schemas thrown together of everything that costs time end as soon", arguments: 0..<10)
    func thrown(part: UInt64) throws {
        var (made, refused) = (0, 0)
        for seed in part * 40..<(part + 1) * 40 {
            var generator = HostileSchemaGenerator(seed: seed)
            switch Self.outcome(generator.next()) {
            case .success: made += 1
            case .failure: refused += 1
            }
        }
        #expect(made > 0)
        #expect(refused > 0)
    }

    /// Converts a schema within the bounds of time and size.
    private static func outcome(_ schema: JSONValue) -> Result<String, JSONSchemaError> {
        let start = ContinuousClock.now
        let result = Result { () throws(JSONSchemaError) in try JSONGrammar.matching(schema: schema) }
        let taken = ContinuousClock.now - start
        #expect(taken < mostTime)
        switch result {
        case .success(let grammar): #expect(grammar.utf8.count <= 2 * GrammarRules.maximumBytes)
        case .failure(let error): #expect(error.description.utf8.count < 1000)
        }
        return result
    }
}
