import Acquisition
import Generation
import Identifiers
import Inference
import ModelLibrary
import NodeAPI
import Testing

@testable import Catalogue

@Suite("The models of a node")
struct CatalogueServiceTests {
    @Test("are listed with what is here of them, and the list is the same until something changes")
    func listing() async throws {
        try await CatalogueFixture.with { node in
            let list = await node.catalogue.models()
            let summary = try #require(list.models.first)
            #expect(list.models.count == 1 && summary.id == node.model.id.rawValue)
            #expect(summary.shards.count > 2 && summary.localCount == summary.shards.count)
            #expect(summary.status == "ready" && summary.readiness == "ready" && summary.source == "local")
            #expect(await node.catalogue.models().version == list.version)
            try await node.keeper.setLocked(true, #require(ShardIndex(1)), of: node.model.id)
            let changed = await node.catalogue.models()
            #expect(changed.version != list.version && changed.models.first?.shards[1].isLocked == true)
        }
    }

    @Test("take on the disk what their files take, and have the memory of this node where nobody else is there")
    func storage() async throws {
        try await CatalogueFixture.with { node in
            let storage = await node.catalogue.storage()
            #expect(storage.limits == CatalogueFixture.limits)
            #expect(storage.poolMemoryMegabytes == 30 && storage.peerCount == 0)
            let bytes = storage.models.reduce(0) { $0 + $1.localBytes }
            #expect(storage.diskUsageBytes > 0 && storage.diskUsageBytes < UInt64(bytes) + 1 << 20)
        }
    }

    @Test("are removed with their files, their download and their locks, and not fetched again by themselves")
    func removal() async throws {
        try await CatalogueFixture.with { node in
            let (id, first) = (node.model.id, try #require(ShardIndex(0)))
            try await node.keeper.notePinned(id)
            try await node.keeper.setLocked(true, first, of: id)
            #expect(try await node.catalogue.remove(id) > 0)
            #expect(await node.library.models().isEmpty)
            #expect(await node.queue.status(of: id) == nil)
            let record = try node.keeper.records.record(of: id)
            #expect(record.isDeleted && record.shards[first]?.isLocked != true)
            #expect(await node.catalogue.models().models.isEmpty)
            await #expect(throws: LibraryError.self) { _ = try await node.catalogue.remove(id) }
        }
    }

    @Test("lose one shard and keep the others; a shard that is not here cannot be removed")
    func shardRemoval() async throws {
        try await CatalogueFixture.with { node in
            let id = node.model.id
            let (gone, unknown) = (try #require(ShardIndex(1)), try #require(ShardIndex(900)))
            try await node.catalogue.remove(gone, of: id)
            let left = try await node.library.model(id).held
            #expect(left == node.model.held.subtracting([gone]))
            #expect(try node.keeper.records.record(of: id).shards[gone]?.isDeleted == true)
            for absent in [gone, unknown] {
                await #expect(throws: InferenceError.self) { try await node.catalogue.remove(absent, of: id) }
            }
            #expect(try await node.library.model(id).held == left)
            #expect(try node.keeper.records.record(of: id).shards[unknown] == nil)
        }
    }

    @Test("have headers that can be read, and others have none")
    func metadata() async throws {
        try await CatalogueFixture.with { node in
            let header = try await node.catalogue.metadata(of: node.model.id)
            #expect(header?.modelId == node.model.id.rawValue)
            #expect(try await node.catalogue.metadata(of: #require(ModelID("none"))) == nil)
        }
    }
}

@Suite("A header from elsewhere")
struct HeaderAdoptionTests {
    @Test("is nowhere where no peer has it and nobody knows its publisher")
    func nowhere() async throws {
        try await CatalogueFixture.with { node in
            let adoption = HeaderAdoption(inference: node.inference, hub: nil, origin: { _ in nil })
            let error = await #expect(throws: AcquisitionError.self) {
                try await adoption.adopt(#require(ModelID("none")))
            }
            #expect(error?.code == .noSource)
            try await adoption.adopt(node.model.id)
        }
    }
}
