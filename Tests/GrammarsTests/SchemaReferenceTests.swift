import Foundation
import JSON
import Testing

@testable import Grammars

/// Compares with pydantic, which writes schemas, and with Python's jsonschema, which says what is valid.
///
/// The environment is that of `reference/requirements.txt`; the test suite of JSON Schema is fetched by `reference/suite`.
@Suite("Schemas and the reference implementations")
struct SchemaReferenceTests {
    private struct Example: Decodable {
        struct Test: Decodable {
            /// The same value with its members in different orders.
            let texts: [String]
            let isValid: Bool
            let description: String
            /// What may keep a valid value from being accepted; empty if nothing may.
            let restriction: String
        }
        let name: String
        let schema: String
        let tests: [Test]

        var origin: String { String(name.prefix { $0 != " " }) }
    }

    private struct Text: Encodable {
        let name: String
        let text: String
    }

    private struct Verdict: Decodable {
        struct Wrong: Decodable, CustomStringConvertible {
            let name: String
            let text: String
            let reason: String
            var description: String { "\(name): \(text): \(reason)" }
        }
        let count: Int
        let wrong: [Wrong]
    }

    /// What happened to the schemas of one origin.
    private struct Tally {
        var converted = 0
        var refused = 0
        var accepted = 0
        var restricted = 0
        var invalid = 0
    }

    private static let samplesOfSchema = 12

    @Test(
        "Every text of a schema's grammar is valid, no invalid one is accepted, and valid ones are but for known restrictions"
    )
    func texts() async throws {
        try await Self.withFolder { folder in
            let suite = try Self.run(Self.reference.appending(path: "suite"), []).trimmingCharacters(in: .newlines)
            _ = try Self.python(["schemas", folder.path, suite])
            var tallies: [String: Tally] = [:]
            var texts = Data()
            for line in try Data(contentsOf: folder.appending(path: "schemas.jsonl")).split(separator: 0x0A) {
                let example = try JSONDecoder().decode(Example.self, from: line)
                let tally = try Self.tally(example, texts: &texts, after: tallies[example.origin] ?? Tally())
                tallies[example.origin] = tally
            }
            try texts.write(to: folder.appending(path: "texts.jsonl"))
            let verdict = try JSONDecoder().decode(Verdict.self, from: Self.python(["judge", folder.path]))
            #expect(verdict.count == tallies.values.reduce(0) { $0 + $1.converted } * Self.samplesOfSchema)
            #expect(verdict.wrong.isEmpty)
            try Self.expectCounts(tallies)
        }
    }

    /// Converts one schema, writes samples of its grammar down, and tries the texts whose validity is known.
    private static func tally(_ example: Example, texts: inout Data, after before: Tally) throws -> Tally {
        var tally = before
        let schema = try JSONValue(parsing: example.schema)
        let grammar: String
        do throws(JSONSchemaError) {
            grammar = try JSONGrammar.matching(schema: schema)
        } catch {
            #expect(error.path.hasPrefix("#"))
            #expect(error.code != .tooLarge, "\(example.name): \(error)")
            tally.refused += 1
            return tally
        }
        tally.converted += 1
        #expect(throws: Never.self, "\(example.name): \(grammar)") { try GBNFGrammar(judging: grammar) }
        let matcher = try GrammarMatcher(grammar)
        var sampler = GrammarSampler(matcher, seed: UInt64(example.name.utf8.count))
        for number in 0..<samplesOfSchema {
            let text = sampler.next(depth: 4 + 3 * number)
            texts += try JSONEncoder().encode(Text(name: example.name, text: text)) + [0x0A]
        }
        for test in example.tests {
            let isAccepted = test.texts.contains(where: matcher.accepts)
            let place = "\(example.name): \(test.description): \(test.texts) by \(example.schema)"
            switch (test.isValid, isAccepted) {
            case (true, true): tally.accepted += 1
            case (true, false):
                #expect(!test.restriction.isEmpty, "not accepted: \(place)")
                tally.restricted += 1
            case (false, _):
                #expect(!isAccepted, "accepted: \(place)")
                tally.invalid += 1
            }
        }
        return tally
    }

    /// The same versions and seeds make the same schemas: fewer than once were converted and accepted would be a loss.
    private static func expectCounts(_ tallies: [String: Tally]) throws {
        let pydantic = try #require(tallies["pydantic"])
        #expect(pydantic.converted >= 209)
        let zod = try #require(tallies["zod"])
        #expect(zod.converted >= 72)
        let suite = try #require(tallies["suite"])
        #expect(suite.converted >= 177)
        #expect(suite.accepted >= 326)
        #expect(suite.invalid >= 363)
        let thrown = try #require(tallies["thrown"])
        #expect(thrown.converted >= 602)
        #expect(thrown.invalid >= 3661)
    }

    // MARK: - Running

    private static var reference: URL {
        URL(filePath: #filePath).deletingLastPathComponent().appending(path: "reference")
    }

    private static func withFolder<Result>(_ body: (URL) async throws -> Result) async throws -> Result {
        let folder = FileManager.default.temporaryDirectory.appending(path: "schemas-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        return try await body(folder)
    }

    private static func python(_ arguments: [String]) throws -> Data {
        let script = reference.appending(path: "../../../scripts/python").standardizedFileURL
        let requirements = ["--with", reference.appending(path: "requirements.txt").path]
        let program = reference.appending(path: "schema_reference.py").path
        return Data(try run(script, requirements + ["-W", "ignore", program] + arguments).utf8)
    }

    private static func run(_ program: URL, _ arguments: [String]) throws -> String {
        let process = Process()
        process.executableURL = program
        process.arguments = arguments
        let output = Pipe()
        process.standardOutput = output
        try process.run()
        let data = output.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        try #require(process.terminationStatus == 0, "\(program.lastPathComponent) \(arguments) did not run")
        return String(decoding: data, as: UTF8.self)
    }
}
