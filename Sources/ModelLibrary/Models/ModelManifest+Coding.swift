import BLAKE3
package import FoundationEssentials
import GGUF
import Identifiers

extension ModelManifest {
    /// Reads a manifest and checks it.
    /// - Throws: `LibraryError` of code `badManifest`.
    package init(json: Data) throws {
        do {
            self = try JSONDecoder().decode(ModelManifest.self, from: json)
        } catch let error as LibraryError {
            throw error
        } catch {
            throw LibraryError(.badManifest, "the manifest cannot be read: \(error)", cause: error)
        }
    }

    /// The manifest as it is stored: JSON with sorted keys.
    package func json() throws -> Data {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .prettyPrinted, .withoutEscapingSlashes]
        return try encoder.encode(self)
    }

    /// Throws unless parts, shards and ranges are consistent.
    private func check() throws {
        func fault(_ what: String) -> LibraryError {
            LibraryError(.badManifest, "the manifest of \(id) contradicts itself: \(what); import the model again")
        }
        guard layerCount > 0, layerCount <= GGUFModel.maximumLayers else { throw fault("\(layerCount) layers") }
        guard (1...ShardIndex.maximumCount).contains(shards.count) else { throw fault("\(shards.count) shards") }
        guard Self.shardSizes.contains(shardSizeBytes) else { throw fault("shards of \(shardSizeBytes) bytes") }
        guard (1...99_999).contains(parts.count) else { throw fault("\(parts.count) parts") }
        guard Set(parts.map(\.name)).count == parts.count else { throw fault("two parts of one name") }
        var total: UInt64 = 0
        for part in parts {
            guard Self.isPlainFileName(part.name) else { throw fault("the part name \"\(part.name.prefix(80))\"") }
            let (sum, overflow) = total.addingReportingOverflow(part.sizeBytes)
            guard !overflow, sum <= UInt64(Int64.max), part.headerBytes <= part.sizeBytes else {
                throw fault("the size of \(part.name)")
            }
            total = sum
        }
        var layer = 0
        for (position, shard) in shards.enumerated() {
            guard shard.index.rawValue == position, shard.layers.first == layer, shard.layers.end <= layerCount else {
                throw fault("shard \(position) does not follow the one before it")
            }
            layer = shard.layers.end
            for range in shard.ranges {
                guard parts.indices.contains(range.part), range.length > 0 else {
                    throw fault("a range of shard \(position)")
                }
                let size = parts[range.part].sizeBytes
                guard range.offset <= size, range.length <= size - range.offset else {
                    throw fault("shard \(position) reaches past the end of \(parts[range.part].name)")
                }
            }
            guard shard.ranges == ByteRange.joined(shard.ranges) else {
                throw fault("the ranges of shard \(position) are not in order")
            }
        }
        guard layer == layerCount else { throw fault("the shards have \(layer) of \(layerCount) layers") }
    }

    /// Whether `name` names a GGUF file of a folder and nothing outside it.
    static func isPlainFileName(_ name: String) -> Bool {
        name.hasSuffix(".gguf") && !name.hasPrefix(".") && name.utf8.count <= 255
            && !name.unicodeScalars.contains { $0 == "/" || $0.value < 0x20 }
    }
}

extension ModelManifest: Codable {
    private enum CodingKeys: String, CodingKey {
        case format, id, name, architecture, parts, shards
        case layerCount = "layer_count"
        case fileType = "file_type"
        case parameterCount = "parameter_count"
        case contextLength = "context_length"
        case shardSizeBytes = "shard_size_bytes"
        case totalBytes = "total_size_bytes"
        case hash = "manifest_hash"
    }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        let format = try container.decode(Int.self, forKey: .format)
        guard format == Self.currentFormat else {
            throw LibraryError(
                .badManifest,
                "the manifest has form \(format), this version reads form \(Self.currentFormat); "
                    + "update shoal, or import the model again"
            )
        }
        self.init(
            id: try container.decode(ModelID.self, forKey: .id),
            name: try container.decode(String.self, forKey: .name),
            architecture: try container.decode(String.self, forKey: .architecture),
            layerCount: try container.decode(Int.self, forKey: .layerCount),
            fileType: try container.decode(String.self, forKey: .fileType),
            parameterCount: try container.decode(UInt64.self, forKey: .parameterCount),
            contextLength: try container.decodeIfPresent(Int.self, forKey: .contextLength),
            shardSizeBytes: try container.decode(UInt64.self, forKey: .shardSizeBytes),
            parts: try container.decode([Part].self, forKey: .parts),
            shards: try container.decode([Shard].self, forKey: .shards)
        )
        try check()
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(Self.currentFormat, forKey: .format)
        try container.encode(id, forKey: .id)
        try container.encode(name, forKey: .name)
        try container.encode(architecture, forKey: .architecture)
        try container.encode(layerCount, forKey: .layerCount)
        try container.encode(fileType, forKey: .fileType)
        try container.encode(parameterCount, forKey: .parameterCount)
        try container.encodeIfPresent(contextLength, forKey: .contextLength)
        try container.encode(shardSizeBytes, forKey: .shardSizeBytes)
        try container.encode(totalBytes, forKey: .totalBytes)
        try container.encode(hash, forKey: .hash)
        try container.encode(parts, forKey: .parts)
        try container.encode(shards, forKey: .shards)
    }
}

extension ModelManifest.Shard: Codable {
    private enum CodingKeys: String, CodingKey {
        case index, layers, ranges
        case sizeBytes = "size_bytes"
        case hash = "blake3"
    }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        self.init(
            index: try container.decode(ShardIndex.self, forKey: .index),
            layers: try container.decode(LayerRange.self, forKey: .layers),
            ranges: try container.decode([ByteRange].self, forKey: .ranges),
            hash: try container.decodeIfPresent(BLAKE3.Digest.self, forKey: .hash)
        )
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(index, forKey: .index)
        try container.encode(layers, forKey: .layers)
        try container.encode(ranges, forKey: .ranges)
        try container.encode(sizeBytes, forKey: .sizeBytes)
        try container.encodeIfPresent(hash, forKey: .hash)
    }
}
