import BLAKE3
import Foundation
import GGUF
import Identifiers
import ShoalTestSupport
import Store
import Testing

@testable import ModelLibrary

@Suite struct ArrivalTests {
    private let size = TestModel.shardSizeBytes

    /// A library that holds some shards of a model, and the bytes of the whole model.
    private func withPart(
        of model: TestModel = TestModel(isTied: true), held: Set<ShardIndex>,
        _ body: (LibraryFixture, ModelLibrary, LibraryModel, [UInt8]) async throws -> Void
    ) async throws {
        try await withLibrary { fixture in
            let path = try fixture.write(model)
            let library = try await fixture.open()
            let model = try await library.importFile(path: path, shards: held, shardSizeBytes: size).model
            #expect(model.manifest.shards.count >= 4)
            try await body(fixture, library, model, try contents(path))
        }
    }

    private func index(_ number: Int) throws -> ShardIndex { try #require(ShardIndex(number)) }

    /// Feeds what is missing in pieces of at most `piece` bytes, shuffled.
    private func feed(
        _ arrival: ShardArrival, from bytes: [UInt8], piece: Int = 7000, upTo count: Int = .max, seed: UInt64 = 1
    ) throws {
        var random = SeededRandom(seed: seed)
        let pieces = arrival.missing.flatMap { range in
            stride(from: Int(range.offset), to: Int(range.end), by: piece).map { start in
                start..<min(start + piece, Int(range.end))
            }
        }
        for piece in pieces.shuffled(using: &random).prefix(count) {
            try bytes[piece].withUnsafeBytes { try arrival.write($0, part: 0, at: UInt64(piece.lowerBound)) }
        }
    }

    @Test("a shard that comes in pieces in any order is held, and the others stay held meanwhile", arguments: 1...5)
    func arrives(seed: Int) async throws {
        try await withPart(held: indices(0, 2)) { fixture, library, model, bytes in
            let arrival = try #require(try await library.arrival(of: index(1), id: model.id))
            try feed(arrival, from: bytes, upTo: 2, seed: UInt64(seed))
            try await library.load()
            #expect(try await library.model(model.id).held == indices(0, 2))
            #expect(try await library.rescan() == [])
            try feed(arrival, from: bytes, seed: UInt64(seed))
            #expect(arrival.missing == [])
            let hash = try await library.finish(arrival)
            #expect(hash == model.manifest[shard: arrival.shard]?.hash)
            #expect(try await library.model(model.id).held == indices(0, 1, 2))
            #expect(try await fixture.open().model(model.id).held == indices(0, 1, 2))
            #expect(try await library.verify(id: model.id) == [])
            #expect(try await library.arriving().isEmpty)
            #expect(try await library.arrival(of: arrival.shard, id: model.id) == nil)
        }
    }

    @Test("every shard in turn makes the publisher's file, byte for byte")
    func all() async throws {
        try await withPart(held: indices(3)) { _, library, model, bytes in
            for shard in model.manifest.shardIndices where shard != ShardIndex(3) {
                let arrival = try #require(try await library.arrival(of: shard, id: model.id))
                try feed(arrival, from: bytes)
                try await library.finish(arrival)
            }
            let whole = try await library.model(model.id)
            #expect(whole.isComplete)
            #expect(try contents(whole.paths[0]) == bytes)
            #expect(try await library.compareWithPublisher(id: model.id) == [])
        }
    }

    @Test("what was saved before a crash need not come again, and nothing held is lost")
    func resumes() async throws {
        try await withPart(held: indices(0)) { fixture, library, model, bytes in
            let shard = try index(2)
            let first = try #require(try await library.arrival(of: shard, id: model.id))
            try feed(first, from: bytes, upTo: 3)
            try first.save()
            let saved = first.missing
            #expect(saved != first.wanted)
            try feed(first, from: bytes, upTo: 2, seed: 9)
            // A new process: what was not saved is as good as lost.
            let reopened = try await fixture.open()
            #expect(try await reopened.model(model.id).held == indices(0))
            #expect(try await reopened.arriving().map(\.shard) == [shard])
            let second = try #require(try await reopened.arrival(of: shard, id: model.id))
            #expect(second.wanted == first.wanted)
            #expect(second.missing == saved)
            try feed(second, from: bytes)
            try await reopened.finish(second)
            #expect(try await reopened.verify(id: model.id) == [])
            #expect(try await reopened.model(model.id).held == indices(0, 2))
        }
    }

    @Test("a shard with a wrong byte is refused, and its bytes go", arguments: [false, true])
    func wrong(isHashKnown: Bool) async throws {
        try await withPart(held: indices(0)) { _, library, model, bytes in
            let shard = try index(2)
            let right = try #require(model.manifest[shard: shard]?.hash)
            if !isHashKnown { try await library.forgetHash(of: shard, id: model.id) }
            let arrival = try #require(try await library.arrival(of: shard, id: model.id))
            var wrong = bytes
            wrong[Int(arrival.wanted[0].offset) + 5] ^= 1
            try feed(arrival, from: wrong)
            let error = await #expect(throws: LibraryError.self) { try await library.finish(arrival, expecting: right) }
            #expect(error?.code == .damaged)
            #expect(try await library.model(model.id).held == indices(0))
            #expect(try await library.arriving().isEmpty)
            let stored = try contents(model.paths[0])
            #expect(arrival.wanted.allSatisfy { stored[Int($0.offset)..<Int($0.end)].allSatisfy { $0 == 0 } })
            let again = try #require(try await library.arrival(of: shard, id: model.id))
            #expect(again.missing == arrival.wanted)
            try feed(again, from: bytes)
            #expect(try await library.finish(again, expecting: right) == right)
        }
    }

    @Test("the hash of a shard from a source beyond doubt is learned and kept")
    func learns() async throws {
        try await withPart(held: indices(0)) { fixture, library, model, bytes in
            let shard = try index(1)
            try await library.forgetHash(of: shard, id: model.id)
            #expect(try await library.model(model.id).manifestHash == model.manifestHash)
            let arrival = try #require(try await library.arrival(of: shard, id: model.id))
            try feed(arrival, from: bytes)
            let hash = try await library.finish(arrival)
            #expect(hash == model.manifest[shard: shard]?.hash)
            #expect(try await fixture.open().model(model.id).manifest[shard: shard]?.hash == hash)
        }
    }

    @Test("a shard that shares bytes with another arrives whole although the other is deleted meanwhile")
    func sharedBytes() async throws {
        try await withPart(held: indices(0, 1)) { _, library, model, bytes in
            // Tied embeddings: the first and the last shard list the same tensor.
            let last = try #require(model.manifest.shardIndices.last)
            let arrival = try #require(try await library.arrival(of: last, id: model.id))
            #expect(arrival.wantedBytes < model.manifest[shard: last]?.sizeBytes ?? 0)
            try feed(arrival, from: bytes)
            try await library.removeShard(id: model.id, shard: index(0))
            try await library.finish(arrival)
            #expect(try await library.verify(id: model.id) == [])
        }
    }

    @Test("a model that is deleted meanwhile takes its arrivals along")
    func deleted() async throws {
        try await withPart(held: indices(0)) { fixture, library, model, bytes in
            let arrival = try #require(try await library.arrival(of: index(1), id: model.id))
            try feed(arrival, from: bytes)
            try await library.remove(id: model.id)
            let error = await #expect(throws: LibraryError.self) { try await library.finish(arrival) }
            #expect(error?.code == .modelNotFound)
            #expect(try await library.arriving().isEmpty)
            #expect(try fixture.entries() == [])
            try await library.abandon(arrival)
        }
    }

    @Test("what is given up goes back to the disk, and the rest stays")
    func abandoned() async throws {
        try await withPart(held: indices(0)) { fixture, library, model, bytes in
            let arrival = try #require(try await library.arrival(of: index(2), id: model.id))
            try feed(arrival, from: bytes, upTo: 4)
            try arrival.save()
            try await library.abandon(arrival)
            let stored = try contents(model.paths[0])
            #expect(arrival.wanted.allSatisfy { stored[Int($0.offset)..<Int($0.end)].allSatisfy { $0 == 0 } })
            #expect(try await library.arriving().isEmpty)
            #expect(try await fixture.open().model(model.id).held == indices(0))
            #expect(try await library.verify(id: model.id) == [])
        }
    }

    @Test("a model that is known by its header alone becomes the same model as an import makes")
    func fromHeader() async throws {
        try await withPart(held: indices(0)) { _, _, model, bytes in
            try await withLibrary { other in
                let library = try await other.open()
                let remote = ModelManifest.RemotePart(
                    name: model.manifest.parts[0].name, sizeBytes: UInt64(bytes.count),
                    sha256: model.manifest.parts[0].sha256, header: Array(bytes.prefix(bytes.count / 2)))
                let (manifest, headers) = try ModelManifest.describing([remote], id: model.id, shardSizeBytes: size)
                #expect(manifest.hash == model.manifestHash)
                #expect(manifest.shards.allSatisfy { $0.hash == nil })
                try await library.adoptHeader(manifest, parts: headers)
                #expect(try await library.model(model.id).held == [])
                for shard in manifest.shardIndices {
                    let arrival = try #require(try await library.arrival(of: shard, id: model.id))
                    try feed(arrival, from: bytes)
                    try await library.finish(arrival)
                }
                let whole = try await library.model(model.id)
                #expect(whole.manifest.shards.map(\.hash) == model.manifest.shards.map(\.hash))
                #expect(try contents(whole.paths[0]) == bytes)
                #expect(try await library.compareWithPublisher(id: model.id) == [])
            }
        }
    }

    @Test("headers that are none of a model are refused", arguments: [0, 3, 24, 200])
    func badHeader(length: Int) async throws {
        try await withPart(held: indices(0)) { _, _, model, bytes in
            let remote = ModelManifest.RemotePart(
                name: "x.gguf", sizeBytes: UInt64(bytes.count), sha256: nil, header: Array(bytes.prefix(length)))
            let error = #expect(throws: LibraryError.self) {
                try ModelManifest.describing([remote], id: model.id, shardSizeBytes: size)
            }
            #expect(error?.code == .notAModel)
        }
    }

    @Test("bytes that are not the shard's are refused")
    func outside() async throws {
        try await withPart(held: indices(0)) { _, library, model, bytes in
            let arrival = try #require(try await library.arrival(of: index(1), id: model.id))
            let range = arrival.wanted[0]
            for (offset, count) in [(range.offset - 1, 1), (range.end, 1), (range.offset, Int(range.length) + 1)] {
                let error = #expect(throws: LibraryError.self) {
                    try [UInt8](repeating: 0, count: count).withUnsafeBytes {
                        try arrival.write($0, part: 0, at: offset)
                    }
                }
                #expect(error?.code == .badShards)
            }
            #expect(throws: LibraryError.self) {
                try bytes[..<1].withUnsafeBytes { try arrival.write($0, part: 0, at: .max) }
            }
            #expect(arrival.missing == arrival.wanted)
        }
    }

    @Test("a file that is shared by a hard link is left alone")
    func hardLink() async throws {
        try await withLibrary { fixture in
            let path = try fixture.write()
            let library = try await fixture.open()
            let model = try await library.importFile(path: path, shardSizeBytes: size).model
            let bytes = try contents(path)
            let shard = try index(1)
            try await library.removeShard(id: model.id, shard: shard)
            let arrival = try #require(try await library.arrival(of: shard, id: model.id))
            try feed(arrival, from: bytes)
            try await library.finish(arrival)
            #expect(try contents(path) == bytes)
            #expect(try await library.model(model.id).isComplete)
        }
    }
}

extension ModelLibrary {
    /// As a node that has not seen the shard would know the model.
    fileprivate func forgetHash(of shard: ShardIndex, id: ModelID) throws {
        var manifest = try model(id).manifest
        manifest.shards[shard.rawValue].hash = nil
        try folder.write(manifest, in: folder.modelFolder(id))
        try load()
    }
}
