import Link
import SwiftProtobuf

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// What a node says of itself may come from files that others wrote. A record that breaks the rules would take it out of the swarm.
extension RecordRules {
    /// Bytes that are kept free for what changes when a record is signed.
    private static let reserveBytes = 256

    /// The record without what breaks the rules: texts are clipped, and models that are wrong or that there is no room for are left out,
    /// loaded ones last.
    static func fitted(_ record: Shoal_V1_NodeRecord) -> Shoal_V1_NodeRecord {
        var record = record
        record.nickname = clipped(record.nickname, 128)
        record.version = clipped(record.version, 64)
        record.engineVersion = clipped(record.engineVersion, 128)
        record.region = clipped(record.region, 64)
        if record.hasHardware {
            record.hardware.processor = clipped(record.hardware.processor, 256)
            record.hardware.gpu = clipped(record.hardware.gpu, 256)
            record.hardware.operatingSystem = clipped(record.hardware.operatingSystem, 256)
        }
        record.addresses = Array(record.addresses.prefix(maximumAddresses))
        record.links = Array(record.links.prefix(maximumLinks))
        record.demand = Array(record.demand.filter { isModelID($0.modelID) }.prefix(maximumModels))
        let models = record.models
        record.models = []
        var size = ((try? record.serializedBytes() as [UInt8])?.count ?? 0) + reserveBytes
        var names: Set<String> = []
        for model in models.filter({ !$0.loadedWindows.isEmpty }) + models.filter(\.loadedWindows.isEmpty) {
            let model = fitted(model)
            // The field's tag, and a length of three bytes at most.
            let bytes = ((try? model.serializedBytes() as [UInt8])?.count ?? 0) + 4
            guard record.models.count < maximumModels, size + bytes <= maximumBytes, isRight(model),
                names.insert(model.modelID).inserted
            else { continue }
            size += bytes
            record.models.append(model)
        }
        record.omittedModels = UInt32(clamping: models.count - record.models.count)
        return record
    }

    private static func fitted(_ model: Shoal_V1_HeldModel) -> Shoal_V1_HeldModel {
        var model = model
        model.name = clipped(model.name, 256)
        model.architecture = clipped(model.architecture, 64)
        return model
    }

    private static func isRight(_ model: Shoal_V1_HeldModel) -> Bool {
        (try? check(model, of: Shoal_V1_NodeRecord())) != nil
    }

    /// As much of a text as fits, without what cannot be printed.
    private static func clipped(_ text: String, _ limit: Int) -> String {
        var result = String.UnicodeScalarView()
        var bytes = 0
        for scalar in text.unicodeScalars where isPrintable(scalar) {
            bytes += UTF8.width(scalar)
            if bytes > limit { break }
            result.append(scalar)
        }
        return String(result)
    }
}
