import BLAKE3
import Identifiers
import Link
import SwiftProtobuf

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

extension NodeRecord {
    /// - Parameter message: one that ``RecordRules`` have let pass. Models whose ids no library would take are left out.
    init(checked message: Shoal_V1_NodeRecord) {
        sequence = message.sequence
        issued = Date(unixMilliseconds: message.issuedUnixMilliseconds)
        if message.startedUnixMilliseconds > 0 { started = Date(unixMilliseconds: message.startedUnixMilliseconds) }
        nickname = message.nickname
        version = message.version
        engineVersion = message.engineVersion
        region = message.region.nonEmpty
        addresses = message.addresses.compactMap { LinkAddress($0) }
        hardware = HardwareDescription(message.hardware)
        models = message.models.compactMap { HeldModel(checked: $0) }
        omittedModels = Int(message.omittedModels)
        for link in message.links {
            if let node = NodeID(bytes: link.nodeID) { links[node] = .milliseconds(link.roundTripMilliseconds) }
        }
        for entry in message.demand {
            // Of two figures for one model the first counts.
            if let id = ModelID(entry.modelID), demand[id] == nil { demand[id] = Int(entry.requests) }
        }
    }
}

extension Shoal_V1_NodeRecord {
    init(_ record: NodeRecord, of id: NodeID) {
        self.init()
        nodeID = Data(id.bytes)
        sequence = record.sequence
        issuedUnixMilliseconds = record.issued.unixMilliseconds
        startedUnixMilliseconds = record.started?.unixMilliseconds ?? 0
        nickname = record.nickname
        version = record.version
        engineVersion = record.engineVersion
        region = record.region ?? ""
        addresses = record.addresses.map(\.description)
        hardware = Shoal_V1_HardwareDescription(record.hardware)
        models = record.models.map { Shoal_V1_HeldModel($0) }
        omittedModels = UInt32(clamping: record.omittedModels)
        links = record.links.sorted { $0.key < $1.key }.map { node, roundTrip in
            .with {
                $0.nodeID = Data(node.bytes)
                $0.roundTripMilliseconds = roundTrip / .milliseconds(1)
            }
        }
        // What is asked for most comes first, and so is not what a record that is too long loses.
        demand = record.demand.sorted { ($1.value, $0.key) < ($0.value, $1.key) }.map { model, requests in
            .with {
                $0.modelID = model.rawValue
                $0.requests = UInt32(clamping: requests)
            }
        }
    }
}

extension HardwareDescription {
    fileprivate init(_ message: Shoal_V1_HardwareDescription) {
        processor = message.processor
        cores = Int(message.cores)
        memoryBytes = message.memoryBytes
        gpu = message.gpu.nonEmpty
        gpuMemoryBytes = message.gpuMemoryBytes
        operatingSystem = message.operatingSystem
    }
}

extension Shoal_V1_HardwareDescription {
    fileprivate init(_ hardware: HardwareDescription) {
        self.init()
        processor = hardware.processor
        cores = UInt32(clamping: hardware.cores)
        memoryBytes = hardware.memoryBytes
        gpu = hardware.gpu ?? ""
        gpuMemoryBytes = hardware.gpuMemoryBytes
        operatingSystem = hardware.operatingSystem
    }
}

extension HeldModel {
    fileprivate init?(checked message: Shoal_V1_HeldModel) {
        guard let id = ModelID(message.modelID) else { return nil }
        self.init(id)
        name = message.name
        architecture = message.architecture
        manifestHash = BLAKE3.Digest(bytes: message.manifestHash)
        totalBytes = message.totalBytes
        shardCount = Int(message.shardCount)
        layerCount = Int(message.layerCount)
        if message.cutAlignment > 0 { cutAlignment = Int(message.cutAlignment) }
        shards = Set(message.shards.compactMap { ShardIndex(Int($0)) })
        downloading = Set(message.downloading.compactMap { ShardIndex(Int($0)) })
        layers = message.layers.compactMap { LayerRange(wire: $0) }
        loadedWindows = message.loadedWindows.compactMap { LayerRange(wire: $0) }
        if message.millisecondsPerLayer > 0 { millisecondsPerLayer = message.millisecondsPerLayer }
        if let repository = message.hubSource.repository.nonEmpty {
            hubSource = HubSource(
                repository: repository, file: message.hubSource.file, revision: message.hubSource.revision.nonEmpty)
        }
    }
}

extension Shoal_V1_HeldModel {
    fileprivate init(_ model: HeldModel) {
        self.init()
        modelID = model.id.rawValue
        name = model.name
        architecture = model.architecture
        if let hash = model.manifestHash { manifestHash = Data(hash.bytes) }
        totalBytes = model.totalBytes
        shardCount = UInt32(clamping: model.shardCount)
        layerCount = UInt32(clamping: model.layerCount)
        cutAlignment = UInt32(clamping: model.cutAlignment ?? 0)
        shards = model.shards.map { UInt32($0.rawValue) }.sorted()
        downloading = model.downloading.map { UInt32($0.rawValue) }.sorted()
        layers = model.layers.map { Shoal_V1_LayerRange($0) }
        loadedWindows = model.loadedWindows.map { Shoal_V1_LayerRange($0) }
        millisecondsPerLayer = model.millisecondsPerLayer ?? 0
        if let source = model.hubSource {
            hubSource.repository = source.repository
            hubSource.file = source.file
            hubSource.revision = source.revision ?? ""
        }
    }
}

extension String {
    /// Nil for an empty text, which is how the wire says nothing.
    fileprivate var nonEmpty: String? { isEmpty ? nil : self }
}

extension Date {
    fileprivate init(unixMilliseconds: UInt64) {
        self.init(timeIntervalSince1970: Double(unixMilliseconds) / 1000)
    }

    fileprivate var unixMilliseconds: UInt64 { UInt64(max(0, timeIntervalSince1970 * 1000).rounded()) }
}
