import Bytes
import Foundation
import Pickle
import Safetensors
import ShoalTestSupport
import Testing

/// Compares with PyTorch itself, from the environment of `reference/requirements.txt`.
@Suite("Checkpoints and PyTorch")
struct TorchReferenceTests {
    @Test("What torch.save writes is read as it was meant")
    func good() async throws {
        try await Self.withFolder { folder in
            // By file and tensor name: type, shape, and the first element's bytes.
            let told = try await Self.reference([String: [String: Described]].self, "good", folder)
            #expect(told.count > 60)
            for (file, meant) in told {
                let source = try FileSource(path: "\(folder)/\(file)")
                let checkpoint = try Self.read(source, file)
                let tensors = try checkpoint.summary.namedTensors()
                #expect(Set(tensors.map(\.name)) == Set(meant.keys), "\(file)")
                for named in tensors {
                    let wanted = try #require(meant[named.name])
                    let tensor = named.tensor
                    #expect(tensor.elementType.name == wanted.type, "\(file) \(named.name)")
                    #expect(tensor.shape == wanted.shape, "\(file) \(named.name)")
                    let place =
                        checkpoint.storageRanges[tensor.storage].lowerBound + tensor.offset
                        * tensor.elementType.byteCount
                    #expect(
                        try source.bytes(at: place, count: wanted.first.count) == wanted.first, "\(file) \(named.name)")
                }
            }
        }
    }

    @Test("What runs something when it is loaded is refused, however it is packed")
    func evil() async throws {
        try await Self.withFolder { folder in
            let told = try await Self.reference([String: String].self, "evil", folder)
            #expect(told.count > 80)
            for (file, what) in told {
                let source = try FileSource(path: "\(folder)/\(file)")
                #expect(throws: PickleError.self, "\(file): \(what)") { try TorchCheckpoint(reading: source) }
            }
        }
    }

    @Test("What two readers read is refused, as one kind and as the other")
    func polyglots() async throws {
        try await Self.withFolder { folder in
            let told = try await Self.reference([String: String].self, "polyglots", folder)
            #expect(told.count == 32)
            for file in told.keys {
                let source = try FileSource(path: "\(folder)/\(file)")
                let error = #expect(throws: PickleError.self, "\(file)") {
                    guard file.hasSuffix(".safetensors") else { return _ = try TorchCheckpoint(reading: source) }
                    _ = try SafetensorsHeader(reading: source)
                    try SecondFormat.refuse(inSafetensors: source)
                }
                // A pickle alone is nothing else.
                #expect(
                    error?.code == (file == "pickle.pt" ? .unsupported : .secondFormat),
                    "\(file): \(error?.message ?? "")")
                // The same file without what makes it two is in order, so that nothing else speaks against it.
                if file.hasPrefix("legacy-tar") {
                    var bytes = try source.bytes(at: 0, count: Int(source.byteCount))
                    bytes.replaceSubrange(148..<156, with: repeatElement(0, count: 8))
                    #expect(throws: Never.self, "\(file)") { try TorchCheckpoint(reading: MemorySource(bytes)) }
                }
            }
        }
    }

    @Test("Of damaged checkpoints, what is read here PyTorch reads too, with the same shapes")
    func judged() async throws {
        let seed: UInt64 = 21
        var mutator = Mutator(generator: SeededRandom(seed: seed))
        try await Self.withFolder { folder in
            var accepted: [String: [String: [UInt64]]] = [:]
            var round = 0
            while accepted.count < 150, round < 40_000 {
                round += 1
                let isLegacy = round.isMultiple(of: 4)
                let pickle = mutator.damaged(P.dictionary(P.int(7), isLegacy: isLegacy))
                let bytes = isLegacy ? P.legacy(pickle) : ZipBytes.checkpoint(pickle).bytes
                guard let checkpoint = try? TorchCheckpoint(reading: MemorySource(bytes)) else { continue }
                let file = "\(round).pt"
                try Data(bytes).write(to: URL(filePath: "\(folder)/\(file)"))
                // Nested tensors, whose names have dots, are not among those that the reference tells.
                let tensors = try checkpoint.summary.namedTensors().filter {
                    !$0.name.contains(".") && !$0.name.isEmpty
                }
                accepted[file] = Dictionary(tensors.map { ($0.name, $0.tensor.shape) }) { $1 }
            }
            #expect(accepted.count == 150)
            let verdicts = try await Self.reference([String: Verdict].self, "judge", folder)
            for (file, shapes) in accepted {
                let verdict = try #require(verdicts[file])
                let told = verdict.shapes?.filter { !$0.key.contains(".") && !$0.key.isEmpty }
                #expect(told == shapes, "\(file), seed \(seed): \(verdict.fault ?? "")")
            }
        }
    }

    // MARK: - Fixtures

    private struct Verdict: Decodable {
        let shapes: [String: [UInt64]]?
        let fault: String?
    }

    private struct Described: Decodable {
        let type: String
        let shape: [UInt64]
        let first: [UInt8]

        init(from decoder: any Decoder) throws {
            var list = try decoder.unkeyedContainer()
            type = try list.decode(String.self)
            shape = try list.decode([UInt64].self)
            first = try list.decode([UInt8].self)
        }
    }

    private static func read(_ source: FileSource, _ file: String) throws -> TorchCheckpoint {
        do {
            return try TorchCheckpoint(reading: source)
        } catch {
            Issue.record("\(file): \(error)")
            throw error
        }
    }

    private static func withFolder<Result>(_ body: (String) async throws -> Result) async throws -> Result {
        let folder = FileManager.default.temporaryDirectory.appending(path: "checkpoints-\(UUID().uuidString)")
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
        process.arguments = [
            "--with", tests.appending(path: "reference/requirements.txt").path,
            tests.appending(path: "reference/torch_reference.py").path, command, folder,
        ]
        let output = Pipe()
        process.standardOutput = output
        process.standardError = FileHandle.nullDevice
        try process.run()
        let data = output.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        try #require(
            process.terminationStatus == 0, "PyTorch did not run: try the command of reference/torch_reference.py")
        return try JSONDecoder().decode(type, from: data)
    }
}
