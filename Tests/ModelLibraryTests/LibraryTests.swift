import BLAKE3
import Foundation
import GGUF
import Identifiers
import ModelLibrary
import ShoalTestSupport
import Store
import Testing

@testable import struct ModelLibrary.LibraryError
@testable import class ModelLibrary.StorageFile

struct LibraryTests {
    let size = TestModel.shardSizeBytes

    @Test("verifying finds a flipped byte, wherever it is, with and without a trace", arguments: 1...4, [false, true])
    func flippedByte(seed: UInt64, rots: Bool) async throws {
        try await withLibrary { fixture in
            var random = SeededRandom(seed: seed)
            let path = try fixture.write()
            let library = try await fixture.open()
            let model = try await library.importFile(path: path, shardSizeBytes: size).model
            let victim = try #require(model.manifest.shards.randomElement(using: &random))
            let range = try #require(victim.ranges.randomElement(using: &random))
            let file = try StorageFile(path: path, mode: .read)
            let before = try file.stamp()
            try flipByte(of: model.paths[0], at: UInt64.random(in: range.offset..<range.end, using: &random))
            let intact = try #require(model.manifest.shards.first { $0.index != victim.index })
            if rots {
                // As a failing disk does it: without a trace in the file's times.
                let time = timespec(
                    tv_sec: Int(before.modifiedNanoseconds / 1_000_000_000),
                    tv_nsec: Int(before.modifiedNanoseconds % 1_000_000_000)
                )
                #expect(utimensat(AT_FDCWD, path, [time, time], 0) == 0)
                #expect(try await library.verify(id: model.id, shard: intact.index) == [])
            }
            #expect(try await library.verify(id: model.id) == [victim.index])
            #expect(try await library.model(model.id).held == model.held.subtracting([victim.index]))
            let error = await #expect(throws: LibraryError.self) {
                try await library.verify(id: model.id, shard: victim.index)
            }
            #expect(error?.code == .shardNotFound)
        }
    }

    @Test("a damaged shard is healed by importing it again, and the source of a link stays as it is")
    func healing() async throws {
        try await withLibrary { fixture in
            let path = try fixture.write()
            let copy = fixture.outside + "/copy.gguf"
            try FileManager.default.copyItem(atPath: path, toPath: copy)
            let library = try await fixture.open()
            let model = try await library.importFile(path: path, shardSizeBytes: size).model
            try flipByte(of: path, at: model.manifest.shards[1].ranges[0].offset)
            let flipped = try contents(path)
            #expect(try await library.verify(id: model.id) == [model.manifest.shards[1].index])
            let healed = try await library.importFile(path: copy, id: model.id)
            #expect(healed.model.isComplete)
            #expect(try contents(healed.model.paths[0]) == contents(copy))
            #expect(try contents(path) == flipped)
        }
    }

    @Test("deleting a shard frees its bytes and keeps those of others", arguments: [false, true])
    func shardRemoval(isTied: Bool) async throws {
        try await withLibrary { fixture in
            let path = try fixture.write(TestModel(isTied: isTied))
            let original = try contents(path)
            let library = try await fixture.open()
            let model = try await library.importFile(path: path, shardSizeBytes: size).model
            let shards = model.manifest.shardIndices
            let freed = try await library.removeShard(id: model.id, shard: shards[0])
            let first = try #require(model.manifest[shard: shards[0]])
            #expect(isTied ? freed < first.sizeBytes : freed == first.sizeBytes)
            #expect(try contents(path) == original)
            #expect(try await library.verify(id: model.id) == [])
            #expect(try await library.model(model.id).held == Set(shards.dropFirst()))

            let before = try StorageFile(path: model.paths[0], mode: .read).allocatedBytes()
            let freedSecond = try await library.removeShard(id: model.id, shard: shards[1])
            let after = try StorageFile(path: model.paths[0], mode: .read).allocatedBytes()
            #expect(after + freedSecond <= before + 2 * 4096)
            #expect(try await library.verify(id: model.id) == [])
            await #expect(throws: LibraryError.self) { try await library.removeShard(id: model.id, shard: shards[1]) }
            #expect(try await library.importFile(path: path).model.isComplete)
            #expect(try contents(model.paths[0]) == original)
        }
    }

    @Test("deleting a model leaves the file that it was imported from")
    func modelRemoval() async throws {
        try await withLibrary { fixture in
            let path = try fixture.write()
            let original = try contents(path)
            let library = try await fixture.open()
            let model = try await library.importFile(path: path, shardSizeBytes: size).model
            #expect(try await library.remove(id: model.id) == 2)
            #expect(await library.models() == [])
            #expect(try fixture.entries() == [])
            #expect(try contents(path) == original)
            let error = await #expect(throws: LibraryError.self) { try await library.remove(id: model.id) }
            #expect(error?.code == .modelNotFound)
            #expect(try await library.importFile(path: path, shardSizeBytes: size).model.isComplete)
        }
    }

    @Test("a model known by its header alone has no shards, and takes them later")
    func headerOnly() async throws {
        try await withLibrary { fixture in
            let path = try fixture.write()
            let there = try await fixture.open()
            let model = try await there.importFile(path: path, shardSizeBytes: size).model
            let headers = try await there.headers(id: model.id)
            try await withLibrary { other in
                let here = try await other.open()
                try await here.adoptHeader(model.manifest, parts: headers)
                try await here.adoptHeader(model.manifest, parts: headers)
                let adopted = try await here.model(model.id)
                #expect(adopted.held == [])
                #expect(adopted.manifestHash == model.manifestHash)
                #expect(try adopted.open().layerCount == TestModel.layerCount)
                #expect(try adopted.open().tensors.count == 15)
                #expect(try await other.open().rescan() == [])
                #expect(try await here.importFile(path: path, shards: indices(1)).model.held == indices(1))
                #expect(try await here.headers(id: model.id) == headers)
            }
        }
    }

    @Test("headers that do not fit their manifest are refused")
    func wrongHeaders() async throws {
        try await withLibrary { fixture in
            let library = try await fixture.open()
            let model = try await library.importFile(path: try fixture.write(), shardSizeBytes: size).model
            var headers = try await library.headers(id: model.id)
            var manifest = model.manifest
            manifest.id = try #require(ModelID("other"))
            headers[0][100] ^= 1
            for wrong in [headers, [], headers + headers] {
                let error = await #expect(throws: LibraryError.self) {
                    try await library.adoptHeader(manifest, parts: wrong)
                }
                #expect(error?.code == .damaged)
            }
            #expect(try fixture.entries() == [model.id.rawValue])
        }
    }

    /// Cuts of a model that do not follow from its header.
    enum ForeignCut: CaseIterable {
        case otherSize, noSize, hugeSize, mergedShards, movedLayer, everythingEverywhere, lessBytes, noBytes, swapped
        case otherNumbers, beyondTheFile, otherPart

        func applied(to manifest: ModelManifest) throws -> ModelManifest {
            var manifest = manifest
            let all = ByteRange.joined(manifest.shards.flatMap(\.ranges))
            switch self {
            case .otherSize: manifest.shardSizeBytes *= 2
            case .noSize: manifest.shardSizeBytes = 0
            case .hugeSize: manifest.shardSizeBytes = .max
            case .mergedShards:
                manifest.shards = [
                    ModelManifest.Shard(
                        index: manifest.shards[0].index,
                        layers: try #require(LayerRange(first: 0, end: manifest.layerCount)),
                        ranges: all, hash: nil)
                ]
            case .movedLayer:
                let end = manifest.shards[1].layers.end
                manifest.shards[0].layers = try #require(LayerRange(first: 0, end: end))
            case .everythingEverywhere: for shard in manifest.shards.indices { manifest.shards[shard].ranges = all }
            case .lessBytes: manifest.shards[2].ranges[0].length -= 1
            case .noBytes: manifest.shards[2].ranges = []
            case .swapped: manifest.shards.swapAt(0, 1)
            case .otherNumbers: manifest.shards[1].index = manifest.shards[2].index
            case .beyondTheFile: manifest.shards[2].ranges[0].offset = .max
            case .otherPart: manifest.shards[2].ranges[0].part = 7
            }
            return manifest
        }
    }

    @Test("a cut that does not follow from the header is refused", arguments: ForeignCut.allCases)
    func foreignCut(_ cut: ForeignCut) async throws {
        try await withLibrary { fixture in
            let there = try await fixture.open()
            let model = try await there.importFile(path: try fixture.write(), shardSizeBytes: size).model
            let headers = try await there.headers(id: model.id)
            try await withLibrary { other in
                let here = try await other.open()
                let foreign = try cut.applied(to: model.manifest)
                let error = await #expect(throws: LibraryError.self) {
                    try await here.adoptHeader(foreign, parts: headers)
                }
                #expect(error?.code == .damaged)
                #expect(try other.entries() == [])
                try await here.adoptHeader(model.manifest, parts: headers)
            }
        }
    }

    @Test("why a model is left out is told once, and again when it is left out for something else")
    func leftOut() async throws {
        try await withLibrary { fixture in
            let folder = fixture.models + "/broken"
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
            let log = LogRecorder()
            let library = try await ModelLibrary.open(
                directory: fixture.models, store: Store(path: fixture.root + "/data/shoal.sqlite"),
                logger: log.logger)
            for (text, lines) in [("{", 1), (#"{"format": 77}"#, 2)] {
                try Data(text.utf8).write(to: URL(fileURLWithPath: folder + "/manifest.json"))
                for round in 0..<3 {
                    let path = try fixture.write(as: "round\(round)-\(lines).gguf")
                    try await library.importFile(path: path, shardSizeBytes: size)
                }
                #expect(log.messages.count { $0 == "left out a model" } == lines)
            }
        }
    }

    @Test(
        "a failed system call is told with its reason and advice",
        arguments: [
            (ENOSPC, LibraryError.Code.diskFull, "free some space"), (EDQUOT, .diskFull, "free some space"),
            (EROFS, .notPermitted, "read-only"), (EACCES, .notPermitted, "right"), (EIO, .fileSystem, "disk"),
        ]
    )
    func systemErrors(number: Int32, code: LibraryError.Code, advice: String) {
        let error = LibraryError(systemCall: number, doing: "write", path: "/x/y")
        #expect(error.code == code)
        #expect(error.message.hasPrefix("cannot write /x/y: "))
        #expect(error.message.contains(advice))
    }

    @Test("a library cannot be opened below a file")
    func noFolder() async throws {
        try await withLibrary { fixture in
            let path = try fixture.write()
            let error = await #expect(throws: LibraryError.self) {
                try await ModelLibrary.open(directory: path + "/models", store: .inMemory())
            }
            #expect(error?.message.contains(path) == true)
        }
    }
}

struct ModelManifestTests {
    private func manifest() async throws -> ModelManifest {
        var result: ModelManifest?
        try await withLibrary { fixture in
            let library = try await fixture.open()
            result = try await library.importFile(
                path: try fixture.write(), shardSizeBytes: TestModel.shardSizeBytes
            ).model.manifest
        }
        return try #require(result)
    }

    @Test("a manifest survives JSON")
    func roundTrip() async throws {
        var manifest = try await manifest()
        manifest.parts[0].sha256 = String(repeating: "0", count: 64)
        #expect(try ModelManifest(json: manifest.json()) == manifest)
    }

    @Test("held shards cover exactly their layers, in runs that do not touch", arguments: 1...5)
    func coverage(seed: UInt64) async throws {
        let manifest = try await manifest()
        var random = SeededRandom(seed: seed)
        for _ in 0..<50 {
            let held = Set(manifest.shardIndices.filter { _ in Bool.random(using: &random) })
            let runs = manifest.layers(coveredBy: held)
            let expected = Set(held.compactMap { manifest[shard: $0] }.flatMap { Array($0.layers.indices) })
            #expect(Set(runs.flatMap { Array($0.indices) }) == expected)
            #expect(runs.reduce(0) { $0 + $1.count } == expected.count)
            for (one, next) in zip(runs, runs.dropFirst()) { #expect(one.end < next.first) }
        }
    }

    @Test("names do not change the hash, contents do")
    func hash() async throws {
        let manifest = try await manifest()
        var renamed = manifest
        renamed.id = try #require(ModelID("other"))
        renamed.name = "Other"
        renamed.parts[0].name = "other.gguf"
        #expect(renamed.hash == manifest.hash)
        renamed.shards[1].hash = nil
        #expect(renamed.hash == manifest.hash, "a node may not know every shard's hash")
        #expect(renamed.learning(from: manifest).shards[1].hash == manifest.shards[1].hash)
        var changed = manifest
        changed.parts[0].sha256 = String(repeating: "0", count: 64)
        #expect(changed.hash != manifest.hash)
        changed = manifest
        changed.parts[0].headerHash = BLAKE3.hash([1])
        #expect(changed.hash != manifest.hash)
        changed = manifest
        changed.shardSizeBytes += 1
        #expect(changed.hash != manifest.hash)
    }

    @Test(
        "a manifest that contradicts itself is refused",
        arguments: [
            "path", "hidden", "no part", "no shard", "gap", "order", "past the end", "other part", "empty range",
            "overflow",
            "layers", "twice", "overlap",
        ]
    )
    func hostile(kind: String) async throws {
        var manifest = try await manifest()
        switch kind {
        case "path": manifest.parts[0].name = "../../x.gguf"
        case "hidden": manifest.parts[0].name = ".gguf"
        case "no part": manifest.parts = []
        case "no shard": manifest.shards = []
        case "gap": manifest.shards.remove(at: 1)
        case "order": manifest.shards.swapAt(0, 1)
        case "past the end": manifest.shards[0].ranges[0].length = manifest.parts[0].sizeBytes
        case "other part": manifest.shards[0].ranges[0].part = 1
        case "empty range": manifest.shards[0].ranges[0].length = 0
        case "overflow": manifest.shards[0].ranges[0].offset = .max
        case "layers": manifest.layerCount += 1
        case "twice": manifest.parts.append(manifest.parts[0])
        default: manifest.shards[0].ranges.append(manifest.shards[0].ranges[0])
        }
        let json = try manifest.json()
        let error = #expect(throws: LibraryError.self) { try ModelManifest(json: json) }
        #expect(error?.code == .badManifest)
    }

    @Test("what is no manifest is refused", arguments: ["", "{}", "[]", "{\"format\": 2}", "{\"format\": 1}"])
    func garbage(text: String) {
        let error = #expect(throws: LibraryError.self) { try ModelManifest(json: Data(text.utf8)) }
        #expect(error?.code == .badManifest)
    }
}
