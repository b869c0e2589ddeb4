import Bytes
import Identifiers
import Link

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

extension RecordRules {
    /// - Throws: `SwarmError` with `badRecord`, naming the field.
    static func check(_ record: Shoal_V1_NodeRecord, sizeBytes: Int, now: Date) throws(SwarmError) {
        let rules = Check(record)
        func require(_ condition: Bool, _ what: @autoclosure () -> String) throws(SwarmError) {
            try rules.require(condition, what())
        }
        func text(_ value: String, _ limit: Int, _ field: String) throws(SwarmError) {
            try rules.text(value, limit, field)
        }
        try require(sizeBytes <= maximumBytes, "more than \(maximumBytes) bytes")
        try require(record.sequence > 0 && record.sequence < UInt64.max / 4, "an absurd sequence number")
        let latest = UInt64(max(0, (now.timeIntervalSince1970 + clockTolerance) * 1000))
        try require(
            record.issuedUnixMilliseconds <= latest, "a time in the future: compare the clocks of both machines")
        try require(
            record.startedUnixMilliseconds <= latest, "a start in the future: compare the clocks of both machines")
        try text(record.nickname, 128, "nickname")
        try text(record.version, 64, "version")
        try text(record.engineVersion, 128, "engine_version")
        try text(record.hardware.processor, 256, "processor")
        try text(record.hardware.gpu, 256, "gpu")
        try text(record.hardware.operatingSystem, 256, "operating_system")
        try require(record.hardware.cores <= 1 << 16, "an absurd number of cores")
        try require(
            record.hardware.memoryBytes <= 1 << 50 && record.hardware.gpuMemoryBytes <= 1 << 50,
            "an absurd amount of memory")
        try require(record.addresses.count <= maximumAddresses, "more than \(maximumAddresses) addresses")
        for address in record.addresses { try require(LinkAddress(address) != nil, "an unreadable address") }
        try require(record.links.count <= maximumLinks, "more than \(maximumLinks) links")
        for link in record.links {
            try require(link.nodeID.count == NodeID.byteCount, "a link to no node")
            try require(isTime(link.roundTripMilliseconds), "an absurd round trip")
        }
        try text(record.region, 64, "region")
        try require(record.demand.count <= maximumModels, "demand for more than \(maximumModels) models")
        for demand in record.demand {
            try require(isModelID(demand.modelID), "demand for an unreadable model id")
        }
        try require(record.models.count <= maximumModels, "more than \(maximumModels) models")
        var names: Set<String> = []
        for model in record.models {
            try require(names.insert(model.modelID).inserted, "a model twice")
            try check(model, of: record)
        }
    }

    /// Says which record breaks a rule, and how.
    private struct Check {
        private let record: Shoal_V1_NodeRecord

        init(_ record: Shoal_V1_NodeRecord) { self.record = record }

        func require(_ condition: Bool, _ what: @autoclosure () -> String) throws(SwarmError) {
            guard condition else {
                throw SwarmError(.badRecord, "the record of node \(record.nodeID.prefix(8).hexadecimal) has \(what())")
            }
        }

        func text(_ value: String, _ limit: Int, _ field: String) throws(SwarmError) {
            try require(
                value.utf8.count <= limit && value.unicodeScalars.allSatisfy(isPrintable),
                "an overlong or unprintable \(field)")
        }
    }

    static func check(_ model: Shoal_V1_HeldModel, of record: Shoal_V1_NodeRecord) throws(SwarmError) {
        let rules = Check(record)
        func require(_ condition: Bool, _ what: @autoclosure () -> String) throws(SwarmError) {
            try rules.require(condition, what())
        }
        func text(_ value: String, _ limit: Int, _ field: String) throws(SwarmError) {
            try rules.text(value, limit, field)
        }
        try require(isModelID(model.modelID), "an unreadable model id")
        try text(model.name, 256, "model name")
        try text(model.architecture, 64, "architecture")
        try require(model.manifestHash.count <= 64, "an overlong manifest hash")
        try require(model.layerCount <= maximumLayers, "a model with an absurd number of layers")
        try require(
            model.shardCount <= maximumShards && model.shards.count <= maximumShards,
            "a model with an absurd number of shards")
        try require(model.shards.allSatisfy { $0 < model.shardCount }, "a shard that the model does not have")
        try require(Set(model.shards).count == model.shards.count, "a shard twice")
        try require(
            model.downloading.count <= Int(model.shardCount) && model.downloading.allSatisfy { $0 < model.shardCount },
            "a shard on its way that the model does not have")
        try text(model.hubSource.repository, 256, "hub repository")
        try text(model.hubSource.file, 512, "hub file")
        try text(model.hubSource.revision, 128, "hub revision")
        try require(
            model.layers.count <= maximumRanges && model.loadedWindows.count <= maximumRanges, "too many layer ranges")
        for range in model.layers + model.loadedWindows {
            try require(range.first < range.end && range.end <= model.layerCount, "layers that the model does not have")
        }
        try require(isTime(model.millisecondsPerLayer), "an absurd time per layer")
        try require(model.totalBytes <= 1 << 50, "a model of an absurd size")
        try require(model.cutAlignment <= maximumLayers, "an absurd cut alignment")
    }
}
