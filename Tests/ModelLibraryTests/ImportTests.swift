import BLAKE3
import Crypto
import Events
import Foundation
import GGUF
import Identifiers
import ModelLibrary
import ShoalTestSupport
import Store
import Synchronization
import Testing

@testable import class ModelLibrary.StorageFile

struct ImportTests {
    let size = TestModel.shardSizeBytes

    @Test("a whole file gets a second name: nothing is copied")
    func fullImport() async throws {
        try await withLibrary { fixture in
            let path = try fixture.write()
            let library = try await fixture.open()
            let outcome = try await library.importFile(path: path, shardSizeBytes: size)
            let model = outcome.model
            #expect(model.id.rawValue == "tiny.q4-k-m")
            #expect(outcome.placement == .hardLinked)
            #expect(outcome.copiedBytes == 0)
            #expect(model.isComplete)
            #expect(model.manifest.shards.count > 3)
            #expect(model.manifest.name == "Tiny Test")
            #expect(model.manifest.fileType == "Q4_K_M")
            #expect(model.heldLayers.map(\.description) == ["0..<6"])
            #expect(model.paths == ["\(fixture.models)/tiny.q4-k-m/Tiny.Q4_K_M.gguf"])
            let stored = try StorageFile(path: model.paths[0], mode: .read)
            let original = try StorageFile(path: path, mode: .read)
            #expect(try stored.stamp() == original.stamp())
            #expect(try fixture.entries() == ["tiny.q4-k-m"])
            #expect(fixture.events.history.map(\.kind) == ["model_imported"])
        }
    }

    @Test("shard hashes are those of the shard's bytes in file order")
    func shardHashes() async throws {
        try await withLibrary { fixture in
            let path = try fixture.write(TestModel(isTied: true))
            let library = try await fixture.open()
            let manifest = try await library.importFile(path: path, shardSizeBytes: size).model.manifest
            let bytes = try contents(path)
            for shard in manifest.shards {
                let joined = shard.ranges.flatMap { bytes[Int($0.offset)..<Int($0.end)] }
                #expect(BLAKE3.hash(joined) == shard.hash)
            }
            #expect(manifest.totalBytes == UInt64(bytes.count))
            let whole = SHA256.hash(data: bytes).map { String(format: "%02x", $0) }.joined()
            #expect(manifest.parts.map(\.sha256) == [whole])
            #expect(try await library.compareWithPublisher(id: manifest.id) == [])
        }
    }

    @Test("some shards make a sparse file of the original's size", arguments: [false, true])
    func partialImport(isTied: Bool) async throws {
        try await withLibrary { fixture in
            let path = try fixture.write(TestModel(isTied: isTied))
            let library = try await fixture.open()
            let chosen = indices(0, 2)
            let model = try await library.importFile(path: path, shards: chosen, shardSizeBytes: size).model
            #expect(model.held == chosen)
            #expect(!model.isComplete)
            let original = try contents(path)
            let stored = try contents(model.paths[0])
            #expect(stored.count == original.count)
            let held = ByteRange.joined(
                [ByteRange(part: 0, offset: 0, length: model.manifest.parts[0].headerBytes)]
                    + chosen.compactMap { model.manifest[shard: $0] }.flatMap(\.ranges)
            )
            for range in held {
                #expect(stored[Int(range.offset)..<Int(range.end)] == original[Int(range.offset)..<Int(range.end)])
            }
            let missing = ByteRange.subtract(
                held, from: [ByteRange(part: 0, offset: 0, length: UInt64(original.count))])
            #expect(!missing.isEmpty)
            for range in missing {
                #expect(stored[Int(range.offset)..<Int(range.end)].allSatisfy { $0 == 0 })
            }
            let file = try StorageFile(path: model.paths[0], mode: .read)
            #expect(try file.allocatedBytes() < UInt64(original.count) * 3 / 4)
            #expect(try model.open().layerCount == TestModel.layerCount)
        }
    }

    @Test("shards that are added one after the other make the original file", arguments: 1...4)
    func growing(seed: UInt64) async throws {
        try await withLibrary { fixture in
            var random = SeededRandom(seed: seed)
            let path = try fixture.write(TestModel(seed: seed, isTied: seed % 2 == 0))
            let library = try await fixture.open()
            let first = try await library.importFile(path: path, shards: indices(1), shardSizeBytes: size).model
            for shard in first.manifest.shardIndices.shuffled(using: &random) {
                let model = try await library.importFile(path: path, shards: [shard]).model
                #expect(model.held.contains(shard))
                #expect(try await library.verify(id: model.id) == [])
            }
            let model = try await library.model(first.id)
            #expect(model.isComplete)
            #expect(try contents(model.paths[0]) == contents(path))
            #expect(model.manifestHash == first.manifestHash)
        }
    }

    @Test("a model in parts is found by any of them, and linked part by part")
    func parts() async throws {
        try await withLibrary { fixture in
            let paths = try TestModel().write(parts: 3, prefix: "\(fixture.outside)/Tiny")
            let library = try await fixture.open()
            let outcome = try await library.importFile(path: paths[1], shardSizeBytes: size)
            #expect(outcome.model.id.rawValue == "tiny")
            #expect(outcome.placement == .hardLinked)
            #expect(
                outcome.model.manifest.parts.map(\.name) == paths.map { URL(fileURLWithPath: $0).lastPathComponent })
            #expect(try await library.verify(id: outcome.model.id) == [])

            let partial = try await library.importFile(
                path: paths[0], id: ModelID("part"), shards: indices(0), shardSizeBytes: size
            )
            #expect(partial.model.held == indices(0))
            let grown = try await library.importFile(path: paths[2], id: ModelID("part"))
            #expect(grown.model.isComplete)
            for (stored, original) in zip(grown.model.paths, paths) {
                #expect(try contents(stored) == contents(original))
            }

            try FileManager.default.removeItem(atPath: paths[1])
            let error = await #expect(throws: LibraryError.self) { try await library.importFile(path: paths[0]) }
            #expect(error?.code == .fileNotFound)
            #expect(error?.message.contains("all 3 parts") == true)
        }
    }

    @Test("importing again changes nothing, even after the database was lost")
    func again() async throws {
        try await withLibrary { fixture in
            let path = try fixture.write()
            let first = try await fixture.open().importFile(path: path, shards: indices(0, 1), shardSizeBytes: size)
            let again = try await fixture.open().importFile(path: path, shards: indices(0), shardSizeBytes: size)
            #expect(again.placement == .alreadyThere)
            #expect(again.model.held == indices(0, 1))
            try fixture.loseDatabase()
            let library = try await fixture.open()
            #expect(await library.models().map(\.held) == [[]])
            let third = try await library.importFile(path: path, shards: indices(0, 1))
            #expect(third.placement == .alreadyThere)
            #expect(third.copiedBytes == 0)
            #expect(third.model.held == first.model.held)
        }
    }

    @Test("two imports of one model at once make one model, whoever wins")
    func concurrent() async throws {
        try await withLibrary { fixture in
            let path = try fixture.write()
            let (one, two) = (try await fixture.open(), try await fixture.open())
            async let first = one.importFile(path: path, shards: indices(0, 2), shardSizeBytes: size)
            async let second = two.importFile(path: path, shards: indices(1, 2), shardSizeBytes: size)
            async let third = two.importFile(path: path, shards: indices(0, 1), shardSizeBytes: size)
            _ = try await (first, second, third)
            let library = try await fixture.open()
            #expect(await library.models().map(\.held) == [indices(0, 1, 2)])
            #expect(try await library.verify(id: #require(ModelID("tiny.q4-k-m"))) == [])
            #expect(try fixture.entries() == ["tiny.q4-k-m"])
        }
    }

    @Test("another file under a taken id, and another shard size, are refused")
    func conflicts() async throws {
        try await withLibrary { fixture in
            let library = try await fixture.open()
            let path = try fixture.write()
            let model = try await library.importFile(path: path, shardSizeBytes: size).model
            let other = try fixture.write(TestModel(seed: 2), as: "other.gguf")
            let taken = await #expect(throws: LibraryError.self) {
                try await library.importFile(path: other, id: model.id, shardSizeBytes: size)
            }
            #expect(taken?.code == .idTaken)
            let sized = await #expect(throws: LibraryError.self) {
                try await library.importFile(path: path, shardSizeBytes: 300_000)
            }
            #expect(sized?.code == .otherShardSize)
            #expect(await library.models() == [model])
        }
    }

    @Test(
        "what is no model is refused with advice, and leaves nothing",
        arguments: [
            ("missing", LibraryError.Code.fileNotFound, "check the path"),
            ("empty", .notAModel, "no GGUF model"),
            ("text", .notAModel, "no GGUF model"),
            ("truncated header", .notAModel, "no GGUF model"),
            ("truncated data", .notAModel, "fetch the file again"),
            ("folder", .notAModel, "name a GGUF file"),
            ("pipe", .notAModel, "name a GGUF file"),
        ]
    )
    func hostile(kind: String, code: LibraryError.Code, advice: String) async throws {
        try await withLibrary { fixture in
            let path = fixture.outside + "/x.gguf"
            let whole = try contents(try fixture.write())
            switch kind {
            case "empty": try Data().write(to: URL(fileURLWithPath: path))
            case "text": try Data("GGML, not GGUF".utf8).write(to: URL(fileURLWithPath: path))
            case "truncated header": try Data(whole[..<500]).write(to: URL(fileURLWithPath: path))
            case "truncated data": try Data(whole.dropLast(1)).write(to: URL(fileURLWithPath: path))
            case "folder": try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
            case "pipe": #expect(mkfifo(path, 0o600) == 0)
            default: break
            }
            let library = try await fixture.open()
            let error = await #expect(throws: LibraryError.self) { try await library.importFile(path: path) }
            #expect(error?.code == code)
            #expect(error?.message.contains(advice) == true, "\(error?.message ?? "")")
            #expect(error?.message.contains(path) == true)
            #expect(try fixture.entries() == [])
            #expect(await library.models() == [])
        }
    }

    @Test("shards that the model does not have are refused")
    func badShards() async throws {
        try await withLibrary { fixture in
            let path = try fixture.write()
            let library = try await fixture.open()
            for shards in [indices(0, 9), []] {
                let error = await #expect(throws: LibraryError.self) {
                    try await library.importFile(path: path, shards: shards, shardSizeBytes: size)
                }
                #expect(error?.code == .badShards)
            }
            #expect(try fixture.entries() == [])
        }
    }

    @Test("a link to a file without a name, as in a download cache, is followed")
    func links() async throws {
        try await withLibrary { fixture in
            let blob = try fixture.write(as: "0a1b2c")
            let link = fixture.outside + "/Real.Name.gguf"
            try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: blob)
            let library = try await fixture.open()
            let outcome = try await library.importFile(path: link, shardSizeBytes: size)
            #expect(outcome.model.id.rawValue == "real.name")
            #expect(outcome.placement == .hardLinked)
            let direct = try await library.importFile(path: blob, id: ModelID("direct"), shardSizeBytes: size)
            #expect(direct.model.manifest.parts.map(\.name) == ["direct.gguf"])
            #expect(direct.model.manifestHash == outcome.model.manifestHash)
        }
    }

    @Test("a cancelled import leaves nothing")
    func cancellation() async throws {
        try await withLibrary { fixture in
            let path = try fixture.write()
            let library = try await fixture.open()
            let shardSize = size
            let task = Task {
                try await library.importFile(path: path, shards: indices(0), shardSizeBytes: shardSize) { progress in
                    // From within the import, so that it is certainly under way.
                    if progress.phase == .copying { withUnsafeCurrentTask { $0?.cancel() } }
                }
            }
            await #expect(throws: CancellationError.self) { try await task.value }
            #expect(try fixture.entries() == [])
            #expect(await library.models() == [])
        }
    }

    @Test("progress goes through the phases and ends at the end")
    func progress() async throws {
        try await withLibrary { fixture in
            let path = try fixture.write()
            let seen = Mutex<[ImportProgress]>([])
            try await fixture.open().importFile(path: path, shards: indices(1), shardSizeBytes: size) { progress in
                seen.withLock { $0.append(progress) }
            }
            let steps = seen.withLock { $0 }
            let phases = steps.map(\.phase).reduce(into: [ImportProgress.Phase]()) {
                if $0.last != $1 { $0.append($1) }
            }
            #expect(phases.first == .hashing)
            #expect(phases.last == .verifying)
            for phase in phases {
                let completed = steps.filter { $0.phase == phase }.map(\.completedBytes)
                #expect(completed == completed.sorted())
                #expect(steps.last { $0.phase == phase }?.fraction == 1)
            }
        }
    }
}
