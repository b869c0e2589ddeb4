import Identifiers
import ModelLibrary
import Testing

@Suite struct GivingUpTests {
    @Test func `a shard that nobody needs goes, and is not offered while that is found out`() async throws {
        try await withLibrary { fixture in
            let library = try await fixture.open()
            let path = try fixture.write()
            let id = try await library.importFile(path: path, shardSizeBytes: TestModel.shardSizeBytes).model.id
            let all = try await library.model(id).held
            let shard = try #require(ShardIndex(2))
            let freed = try await library.giveUp(shard: shard, id: id) { model in
                #expect(model.held == all)
                let listed = try? await library.model(id).held
                #expect(listed == all.subtracting([shard]))
                return false
            }
            #expect(try #require(freed) > 0)
            #expect(try await library.model(id).held == all.subtracting([shard]))
            // It stays so for who opens the library anew.
            #expect(try await fixture.open().model(id).held == all.subtracting([shard]))
        }
    }

    @Test func `a shard that turns out to be needed stays as it was`() async throws {
        try await withLibrary { fixture in
            let library = try await fixture.open()
            let path = try fixture.write()
            let id = try await library.importFile(path: path, shardSizeBytes: TestModel.shardSizeBytes).model.id
            let model = try await library.model(id)
            let freed = try await library.giveUp(shard: #require(ShardIndex(2)), id: id) { _ in true }
            #expect(freed == nil)
            #expect(try await library.model(id) == model)
            #expect(try await fixture.open().model(id).held == model.held)
            #expect(try contents(model.paths[0]) == contents(path))
        }
    }

    @Test func `a shard that is not here cannot be given up`() async throws {
        try await withLibrary { fixture in
            let library = try await fixture.open()
            let path = try fixture.write()
            let id = try await library.importFile(
                path: path, shards: indices(0), shardSizeBytes: TestModel.shardSizeBytes
            ).model.id
            let error = try await #require(throws: LibraryError.self) {
                _ = try await library.giveUp(shard: #require(ShardIndex(1)), id: id) { _ in false }
            }
            #expect(error.code == .shardNotFound)
        }
    }
}
