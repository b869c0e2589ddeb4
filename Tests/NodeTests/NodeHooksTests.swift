import Acquisition
import Identifiers
import Inference
import Link
import ModelLibrary
import Store
import Swarm
import Testing

@testable import Node

@Suite struct NodeHooksTests {
    @Test(arguments: [true, false])
    func `the swarm is told where a model is from by those who know it, and not from hearsay`(
        isHearsay: Bool
    ) async throws {
        let records = try ModelRecords(store: Store.inMemory())
        let model = try #require(ModelID("tiny"))
        let hooks = NodeDaemon.Parts.inferenceHooks(records: records, coming: ComingShards())
        #expect(await hooks.notes(model).hubSource == nil)
        try records.update(model) { record in
            record.origin = ModelOrigin(repository: "owner/name", file: "tiny.gguf")
            record.isOriginHearsay = isHearsay
        }
        #expect(await hooks.notes(model).hubSource?.repository == (isHearsay ? nil : "owner/name"))
    }
}
