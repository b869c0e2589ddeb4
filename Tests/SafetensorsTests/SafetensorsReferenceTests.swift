import Bytes
import Foundation
import Safetensors
import ShoalTestSupport
import Testing

/// Compares with the official Python package, run with the Python of `scripts/python`.
@Suite("Safetensors files and the official package")
struct SafetensorsReferenceTests {
    /// What the reference says about a file that it wrote.
    private struct Written: Decodable {
        struct Tensor: Decodable {
            let shape: [UInt64]
            let byteCount: Int
            let first: [UInt8]
        }
        let tensors: [String: Tensor]
        let metadata: [String: String]
    }

    @Test("What the package writes is read as it was meant")
    func written() async throws {
        try await Self.withFolder { folder in
            let told = try await Self.reference([String: Written].self, "write", folder)
            #expect(told.count == 40)
            for (file, meant) in told {
                let source = try FileSource(path: "\(folder)/\(file)")
                let header = try SafetensorsHeader(reading: source)
                #expect(header.metadata == meant.metadata)
                #expect(Set(header.tensors.map(\.name)) == Set(meant.tensors.keys))
                for tensor in header.tensors {
                    let wanted = try #require(meant.tensors[tensor.name])
                    #expect(tensor.shape == wanted.shape)
                    #expect(tensor.range.count == wanted.byteCount)
                    let first = try source.bytes(at: tensor.range.lowerBound, count: wanted.first.count)
                    #expect(first == wanted.first)
                }
            }
        }
    }

    @Test("What the package refuses is refused, and only the stricter rules refuse more")
    func refused() async throws {
        let seed: UInt64 = 11
        var mutator = Mutator(generator: SeededRandom(seed: seed))
        var files = ["ordinary": SampleFile.ordinary]
        for number in 0..<2000 { files["damaged-\(number)"] = mutator.damaged(SampleFile.ordinary) }
        for (number, refusal) in SafetensorsHeaderTests.refusals.enumerated() {
            files["refusal-\(number)"] = refusal.bytes
        }
        let verdicts = try await Self.withFolder { folder in
            for (name, bytes) in files { try Data(bytes).write(to: URL(filePath: "\(folder)/\(name)")) }
            return try await Self.reference([String: Bool].self, "judge", folder)
        }
        #expect(verdicts.count == files.count)
        var accepted = 0
        var stricter = 0
        for (name, bytes) in files {
            let isAccepted = try SafetensorsHeaderTests.outcome(bytes) != nil
            let isAcceptedThere = try #require(verdicts[name] as Bool?)
            #expect(isAcceptedThere || !isAccepted, "\(name) is read here but not there, seed \(seed)")
            if isAccepted { accepted += 1 }
            if isAcceptedThere && !isAccepted { stricter += 1 }
        }
        #expect(accepted > 50)
        // Keys that come twice, unknown keys and what stands before '{' are let through there.
        #expect(stricter < files.count / 20)
    }

    // MARK: - Fixtures

    private static func withFolder<Result>(_ body: (String) async throws -> Result) async throws -> Result {
        let folder = FileManager.default.temporaryDirectory.appending(path: "safetensors-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        return try await body(folder.path)
    }

    private static func reference<Answer: Decodable>(
        _ type: Answer.Type, _ command: String, _ folder: String
    ) async throws -> Answer {
        let tests = URL(filePath: #filePath).deletingLastPathComponent()
        let process = Process()
        process.executableURL = tests.appending(path: "../../scripts/python").standardizedFileURL
        process.arguments = [tests.appending(path: "reference/safetensors_reference.py").path, command, folder]
        let output = Pipe()
        process.standardOutput = output
        try process.run()
        let data = output.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        try #require(process.terminationStatus == 0, "the reference did not run (is scripts/setup done?)")
        return try JSONDecoder().decode(type, from: data)
    }
}
