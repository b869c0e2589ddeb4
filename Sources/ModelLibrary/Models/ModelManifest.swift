package import BLAKE3
package import GGUF
package import Identifiers

/// What a model consists of: its files and how they are cut into shards, with the hashes that prove each piece.
///
/// Stored beside the files as `manifest.json`. A value that was decoded has been checked: part names are plain file
/// names, shards partition the layers in order, and every range lies within its part.
package struct ModelManifest: Sendable, Hashable {
    /// One file of the model.
    package struct Part: Sendable, Hashable, Codable {
        private enum CodingKeys: String, CodingKey {
            case name, sha256
            case sizeBytes = "size_bytes"
            case headerBytes = "header_bytes"
            case headerHash = "header_blake3"
        }

        /// The file's name in the model's folder; ends in `.gguf`.
        package var name: String
        package var sizeBytes: UInt64
        /// Bytes before tensor data, which every node has that knows the model.
        package var headerBytes: UInt64
        /// Hash of those bytes.
        package var headerHash: BLAKE3.Digest
        /// The publisher's SHA-256 of the whole file, where it is known: 64 lower-case hex digits.
        package var sha256: String?

        package init(
            name: String, sizeBytes: UInt64, headerBytes: UInt64, headerHash: BLAKE3.Digest, sha256: String? = nil
        ) {
            self.name = name
            self.sizeBytes = sizeBytes
            self.headerBytes = headerBytes
            self.headerHash = headerHash
            self.sha256 = sha256
        }
    }

    /// Some layers with their bytes.
    package struct Shard: Sendable, Hashable {
        package var index: ShardIndex
        package var layers: LayerRange
        /// The bytes in file order. Ranges of different shards may overlap.
        package var ranges: [ByteRange]
        /// Hash of those bytes, one after the other; nil while no node that is known has seen them. A shard that is held
        /// has one.
        package var hash: BLAKE3.Digest?

        package init(index: ShardIndex, layers: LayerRange, ranges: [ByteRange], hash: BLAKE3.Digest?) {
            self.index = index
            self.layers = layers
            self.ranges = ranges
            self.hash = hash
        }

        /// Bytes of all ranges.
        package var sizeBytes: UInt64 { ranges.reduce(0) { $0 + $1.length } }
    }

    /// Version of the file's form.
    package static let currentFormat = 2
    /// What a shard may be meant to hold.
    package static let shardSizes: ClosedRange<UInt64> = 1...1 << 50
    /// The name of the file in a model's folder.
    package static let fileName = "manifest.json"

    package var id: ModelID
    /// What the model calls itself, or its id.
    package var name: String
    /// `general.architecture`, such as `llama`.
    package var architecture: String
    package var layerCount: Int
    /// How the weights are quantised, such as `Q4_K_M`.
    package var fileType: String
    package var parameterCount: UInt64
    package var contextLength: Int?
    /// What a shard should hold.
    package var shardSizeBytes: UInt64
    package var parts: [Part]
    package var shards: [Shard]

    package init(
        id: ModelID, name: String, architecture: String, layerCount: Int, fileType: String, parameterCount: UInt64,
        contextLength: Int?, shardSizeBytes: UInt64, parts: [Part], shards: [Shard]
    ) {
        self.id = id
        self.name = name
        self.architecture = architecture
        self.layerCount = layerCount
        self.fileType = fileType
        self.parameterCount = parameterCount
        self.contextLength = contextLength
        self.shardSizeBytes = shardSizeBytes
        self.parts = parts
        self.shards = shards
    }

    /// Bytes of all files.
    package var totalBytes: UInt64 { parts.reduce(0) { $0 + $1.sizeBytes } }

    /// The indices of all shards.
    package var shardIndices: [ShardIndex] { shards.map(\.index) }

    /// The shard of that index; nil where the model has fewer.
    package subscript(shard index: ShardIndex) -> Shard? {
        shards.indices.contains(index.rawValue) ? shards[index.rawValue] : nil
    }

    /// The same model with the shard hashes that `other`, which is the same model too, knows besides.
    func learning(from other: ModelManifest) -> ModelManifest {
        var manifest = self
        for (position, shard) in other.shards.enumerated() where manifest.shards[position].hash == nil {
            manifest.shards[position].hash = shard.hash
        }
        return manifest
    }

    /// The contiguous layers that `held` shards have together, in order.
    package func layers(coveredBy held: Set<ShardIndex>) -> [LayerRange] {
        let layout = shards.map { ShardLayout.Shard(index: $0.index.rawValue, layers: $0.layers, ranges: $0.ranges) }
        return ShardLayout.layers(of: layout, coveredBy: Set(held.map(\.rawValue)))
    }

    /// Hash of what the model is: sizes, headers, the publisher's hashes, and the cut. Nodes with equal hashes hold shards that fit together.
    /// Names do not count, so it does not matter what a node calls its files; nor do the shards' own hashes, which a node
    /// learns one by one when it fetches shards from where the publisher put them.
    ///
    /// It is BLAKE3 over the text `shoal-model-2`, the shard size, the layer count, the number of parts, for each the
    /// size, the header's length and hash, and its SHA-256 as text or an empty one, after its length, the number of
    /// shards, and for each first and end layer, number of ranges, and each range's part, offset and length; every
    /// number as 64 bits, little-endian.
    package var hash: BLAKE3.Digest {
        var bytes = Array("shoal-model-2".utf8)
        func append(_ number: UInt64) {
            withUnsafeBytes(of: number.littleEndian) { bytes.append(contentsOf: $0) }
        }
        append(shardSizeBytes)
        append(UInt64(layerCount))
        append(UInt64(parts.count))
        for part in parts {
            append(part.sizeBytes)
            append(part.headerBytes)
            bytes += part.headerHash.bytes
            let sha256 = Array((part.sha256 ?? "").utf8)
            append(UInt64(sha256.count))
            bytes += sha256
        }
        append(UInt64(shards.count))
        for shard in shards {
            append(UInt64(shard.layers.first))
            append(UInt64(shard.layers.end))
            append(UInt64(shard.ranges.count))
            for range in shard.ranges {
                append(UInt64(range.part))
                append(range.offset)
                append(range.length)
            }
        }
        return BLAKE3.hash(bytes)
    }
}
