import Events
import Foundation
import GGUF
import Identifiers
import ModelLibrary
import Testing

@testable import class ModelLibrary.FileLock

struct RescanTests {
    let size = TestModel.shardSizeBytes

    @Test("a model put there by hand is taken in, whole and proven")
    func handPlaced() async throws {
        try await withLibrary { fixture in
            let library = try await fixture.open()
            for id in ["by-hand", "in-parts"] {
                try FileManager.default.createDirectory(
                    atPath: "\(fixture.models)/\(id)", withIntermediateDirectories: true)
            }
            try TestModel().write(to: "\(fixture.models)/by-hand/Any Name.gguf")
            _ = try TestModel(seed: 3).write(parts: 2, prefix: "\(fixture.models)/in-parts/p")
            try Data([1]).write(to: URL(fileURLWithPath: "\(fixture.models)/by-hand/mmproj-f16.gguf"))
            #expect(await library.models() == [])
            #expect(try await library.rescan().map(\.rawValue) == ["by-hand", "in-parts"])
            #expect(await library.models().map(\.isComplete) == [true, true])
            #expect(try await library.rescan() == [])
            #expect(try await fixture.open().models() == library.models())
        }
    }

    @Test("what cannot be taken in is left alone")
    func refused() async throws {
        try await withLibrary { fixture in
            let library = try await fixture.open()
            for name in ["Not An Id", "broken", "two", "empty", "bad-manifest"] {
                try FileManager.default.createDirectory(
                    atPath: "\(fixture.models)/\(name)", withIntermediateDirectories: true)
            }
            try TestModel().write(to: "\(fixture.models)/Not An Id/a.gguf")
            try Data("GGUF".utf8).write(to: URL(fileURLWithPath: "\(fixture.models)/broken/a.gguf"))
            try TestModel().write(to: "\(fixture.models)/two/a.gguf")
            try TestModel().write(to: "\(fixture.models)/two/b.gguf")
            try Data("{}".utf8).write(to: URL(fileURLWithPath: "\(fixture.models)/bad-manifest/manifest.json"))
            let before = try FileManager.default.subpathsOfDirectory(atPath: fixture.models).filter {
                !$0.hasPrefix(".")
            }
            #expect(try await library.rescan() == [])
            #expect(await library.models() == [])
            let after = try FileManager.default.subpathsOfDirectory(atPath: fixture.models).filter {
                !$0.hasPrefix(".")
            }
            #expect(Set(after) == Set(before))
        }
    }

    @Test("a process that was killed leaves nothing that stays")
    func leftovers() async throws {
        try await withLibrary { fixture in
            let path = try fixture.write()
            let model = try await fixture.open().importFile(path: path, shards: indices(0), shardSizeBytes: size).model
            for name in [".incoming-tiny.q4-k-m-abc", ".incoming-other-xyz", ".incoming-gone-removed-123"] {
                try FileManager.default.createDirectory(
                    atPath: "\(fixture.models)/\(name)", withIntermediateDirectories: true)
                try Data([1]).write(to: URL(fileURLWithPath: "\(fixture.models)/\(name)/x.gguf"))
            }
            let lock = try #require(try FileLock.tryTaking("\(fixture.models)/.locks/other"))
            let library = try await fixture.open()
            #expect(try fixture.entries() == [".incoming-other-xyz", "tiny.q4-k-m"])
            withExtendedLifetime(lock) {}
            #expect(await library.models() == [model])
        }
    }

    @Test("killed after the files and before the database, a model is verified and kept")
    func lostDatabase() async throws {
        try await withLibrary { fixture in
            let path = try fixture.write()
            let before = try await fixture.open().importFile(path: path, shards: indices(1, 3), shardSizeBytes: size)
                .model
            try fixture.loseDatabase()
            let library = try await fixture.open()
            #expect(await library.models().map(\.held) == [[]])
            #expect(try await library.rescan() == [before.id])
            #expect(await library.models().map(\.held) == [indices(1, 3)])
        }
    }

    @Test("a file that somebody has written to counts no more until it is verified again")
    func touched() async throws {
        try await withLibrary { fixture in
            let path = try fixture.write()
            let library = try await fixture.open()
            let model = try await library.importFile(path: path, shardSizeBytes: size).model
            let damaged = try #require(model.manifest.shards.dropFirst(2).first)
            try flipByte(of: path, at: damaged.ranges[0].offset + 5)
            let reopened = try await fixture.open()
            #expect(await reopened.models().map(\.held) == [[]])
            #expect(try await reopened.rescan() == [model.id])
            #expect(await reopened.models().map(\.held) == [model.held.subtracting([damaged.index])])
            #expect(fixture.events.history.map(\.kind).contains("shard_damaged"))
        }
    }

    @Test("each of several models counts by what is written down of it, and the others' shards stay out of it")
    func several() async throws {
        try await withLibrary { fixture in
            let path = try fixture.write()
            let library = try await fixture.open()
            let ids = try (0..<3).map { try #require(ModelID("tiny-\($0)")) }
            for (number, id) in ids.enumerated() {
                try await library.importFile(path: path, id: id, shards: indices(number), shardSizeBytes: size)
            }
            #expect(try await library.rescan() == [])
            let touched = try await library.model(ids[1])
            try flipByte(
                of: touched.paths[0], at: try #require(touched.manifest[shard: ShardIndex(1)!]).ranges[0].offset)
            let reopened = try await fixture.open()
            #expect(try await reopened.rescan() == [ids[1]])
            #expect(await reopened.models().map(\.held) == [indices(0), [], indices(2)])
        }
    }

    @Test("a snapshot shows what the library has, under a number that changes with it and only then")
    func snapshot() async throws {
        try await withLibrary { fixture in
            let path = try fixture.write()
            let library = try await fixture.open()
            let before = library.snapshot
            #expect(before.models == [])
            let model = try await library.importFile(path: path, shardSizeBytes: size).model
            let after = library.snapshot
            #expect(after.models == [model] && after.revision > before.revision)
            try await library.rescan()
            #expect(library.snapshot.revision == after.revision)
            try await library.removeShard(id: model.id, shard: ShardIndex(0)!)
            #expect(library.snapshot.revision > after.revision)
            #expect(library.snapshot.models.map(\.held) == [model.held.subtracting([ShardIndex(0)!])])
        }
    }

    @Test("a folder that is gone is forgotten, and comes back with its verification")
    func vanished() async throws {
        try await withLibrary { fixture in
            let path = try fixture.write()
            let library = try await fixture.open()
            let model = try await library.importFile(path: path, shardSizeBytes: size).model
            let folder = "\(fixture.models)/\(model.id)"
            try FileManager.default.moveItem(atPath: folder, toPath: fixture.outside + "/away")
            #expect(try await library.rescan() == [model.id])
            #expect(await library.models() == [])
            try FileManager.default.moveItem(atPath: fixture.outside + "/away", toPath: folder)
            #expect(try await library.rescan() == [model.id])
            #expect(await library.models().map(\.held) == [model.held])
        }
    }

    @Test("an import by another process shows after a refresh, and to those who listen")
    func foreignImport() async throws {
        try await withLibrary { fixture in
            let node = try await fixture.open()
            var changes = node.changes().makeAsyncIterator()
            #expect(try await node.refresh() == [])
            let path = try fixture.write()
            let model = try await fixture.open().importFile(path: path, shards: indices(0), shardSizeBytes: size).model
            #expect(await node.models() == [])
            #expect(try await node.refresh() == [model.id])
            #expect(await changes.next() == .added(model.id))
            #expect(await node.models() == [model])
            try await fixture.open().importFile(path: path)
            #expect(try await node.refresh() == [model.id])
            #expect(await changes.next() == .updated(model.id))
            try await fixture.open().remove(id: model.id)
            #expect(try await node.refresh() == [model.id])
            #expect(await changes.next() == .removed(model.id))
        }
    }
}
