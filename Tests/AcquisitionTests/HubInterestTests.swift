import Foundation
import ModelLibrary
import ShoalTestSupport
import Swarm
import Testing

@testable import Acquisition

@Suite struct HubInterestTests {
    /// A connected peer that holds these models, each from this repository; an empty one is not told.
    private func peer(_ number: UInt8, _ models: [(id: String, repository: String, shards: [Int])]) throws -> Peer {
        var record = NodeRecord()
        record.models = try models.map { model in
            var held = HeldModel(try modelID(model.id))
            held.shards = Set(try model.shards.map { try shard($0) })
            if !model.repository.isEmpty { held.hubSource = HubSource(repository: model.repository, file: "") }
            return held
        }
        return Peer(id: try node(number), record: record, connectedSince: Date(), healthy: true)
    }

    @Test func `a node counts once for a repository, however many of its models it holds`() throws {
        let peers = [
            try peer(2, [("one", "a/b", [0]), ("two", "a/b", [0, 1]), ("three", "c/d", [])]),
            try peer(3, [("one", "", [1]), ("stranger", "", [1])]),
            try peer(4, []),
        ]
        let interest = HubInterest(
            node: try node(1),
            models: [
                (try modelID("one"), "a/b", true), (try modelID("two"), "a/b", true),
                (try modelID("four"), "e/f", false),
            ],
            peers: peers, demand: [:])
        #expect(interest.replicas == ["a/b": 3])
        #expect(interest.requests == [:])
    }

    @Test func `requests count for the repository that the model is from, and overflow nothing`() throws {
        let demand = [
            try modelID("one"): 3, try modelID("two"): 4, try modelID("three"): .max, try modelID("stranger"): 9,
        ]
        let interest = HubInterest(
            node: try node(1), models: [(try modelID("one"), "a/b", false), (try modelID("two"), "a/b", false)],
            peers: [try peer(2, [("three", "c/d", [])])], demand: demand)
        #expect(interest.replicas == [:])
        #expect(interest.requests == ["a/b": 7, "c/d": 1 << 40])
    }
}
