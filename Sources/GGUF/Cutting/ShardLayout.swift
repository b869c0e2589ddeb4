import Bytes
package import Identifiers

/// How a model is cut into shards: whole layers, with the bytes that belong to them.
///
/// The layout follows from the headers and the shard size alone, so every node that knows both finds the same one.
///
/// - There are `ceil(total bytes / shard size)` shards, at least one and at most one per layer.
/// - Shards are filled in layer order. What a shard should hold is what is left divided by the shards that are left;
///   a layer goes in while at least half of it fits, and each shard gets at least one. Where the model may be cut only
///   at multiples of some layers (`CutRule.alignment`), those go in together, unless there are more shards than such
///   groups.
/// - `token_embd*` and other tensors of no layer go to shard 0, `output*` to the last. Without `output.weight` the
///   output layer uses the token embeddings, and the last shard lists `token_embd*` too. Rotary factors, which every
///   layer reads, are a few hundred bytes and are in every shard.
/// - Padding between tensors belongs to the tensor before it, so all shards together have every byte after the headers.
package struct ShardLayout: Sendable {
    /// Some layers with their bytes.
    package struct Shard: Hashable, Sendable, Codable {
        package let index: Int
        package let layers: LayerRange
        /// The bytes in file order, joined where they touch. Ranges of different shards may overlap.
        package let ranges: [ByteRange]

        package init(index: Int, layers: LayerRange, ranges: [ByteRange]) {
            self.index = index
            self.layers = layers
            self.ranges = ranges
        }

        /// Bytes of all ranges.
        package var sizeBytes: UInt64 { ranges.reduce(0) { $0 + $1.length } }
    }

    /// In layer order; `shards[i].index == i`, and their layers partition the model's.
    package let shards: [Shard]

    /// - Parameter shardSizeBytes: what a shard should hold, at least 1.
    package init(model: GGUFModel, shardSizeBytes: UInt64) {
        let pieces = Self.pieces(of: model)
        var layerBytes = [UInt64](repeating: 0, count: model.layerCount)
        var firstBytes: UInt64 = 0
        var lastBytes: UInt64 = 0
        for piece in pieces {
            switch piece.home {
            case .layer(let layer): layerBytes[layer] += piece.range.length
            case .last: lastBytes += piece.range.length
            case .first, .firstAndLast, .all: firstBytes += piece.range.length
            }
        }
        let total = firstBytes + layerBytes.reduce(0, +) + lastBytes
        let size = max(shardSizeBytes, 1)
        let wanted = total / size + (total % size == 0 ? 0 : 1)
        let count = Int(min(max(wanted, 1), UInt64(model.layerCount)))
        let cuts = Self.fill(
            layerBytes, groupLayers: Self.groupLayers(of: model, shards: count), firstBytes: firstBytes,
            lastBytes: lastBytes, count: count)

        var ranges = [[ByteRange]](repeating: [], count: count)
        let shardOfLayer = cuts.enumerated().flatMap { shard, layers in
            repeatElement(shard, count: layers.count)
        }
        for piece in pieces {
            switch piece.home {
            case .layer(let layer): ranges[shardOfLayer[layer]].append(piece.range)
            case .first: ranges[0].append(piece.range)
            case .last: ranges[count - 1].append(piece.range)
            case .firstAndLast:
                ranges[0].append(piece.range)
                if count > 1 { ranges[count - 1].append(piece.range) }
            case .all: for shard in 0..<count { ranges[shard].append(piece.range) }
            }
        }
        shards = cuts.enumerated().map { index, layers in
            Shard(index: index, layers: layers, ranges: ByteRange.joined(ranges[index]))
        }
    }

    /// The contiguous layers that `held` shards have together, in order. Unknown indices are ignored.
    package func layers(coveredBy held: Set<Int>) -> [LayerRange] { Self.layers(of: shards, coveredBy: held) }

    /// The contiguous layers that those of `shards` have together whose index is in `held`, in order.
    package static func layers(of shards: [Shard], coveredBy held: Set<Int>) -> [LayerRange] {
        var covered: [LayerRange] = []
        for shard in shards where held.contains(shard.index) {
            if let last = covered.last, last.end == shard.layers.first,
                let joined = LayerRange(first: last.first, end: shard.layers.end)
            {
                covered[covered.count - 1] = joined
            } else {
                covered.append(shard.layers)
            }
        }
        return covered
    }

    /// The shards that have layers of `layers`.
    package func shards(overlapping layers: LayerRange) -> [Shard] { shards.filter { $0.layers.overlaps(layers) } }
}

extension ShardLayout {
    /// Which shards list some bytes.
    private enum Home {
        case layer(Int)
        case first
        case last
        case firstAndLast
        case all
    }

    private struct Piece {
        let home: Home
        let range: ByteRange
    }

    /// All bytes after the headers, each with its home.
    private static func pieces(of model: GGUFModel) -> [Piece] {
        var pieces: [Piece] = []
        let tied = model.hasTiedEmbeddings
        for (number, part) in model.parts.enumerated() {
            let placed = model.tensors.filter { $0.range.part == number }
            let fileEnd = part.source.byteCount
            var start = part.headerBytes
            if let first = placed.first?.range.offset ?? (start < fileEnd ? fileEnd : nil), first > start {
                pieces.append(
                    Piece(home: .first, range: ByteRange(part: number, offset: start, length: first - start)))
                start = first
            }
            for (position, tensor) in placed.enumerated() {
                let end = position + 1 < placed.count ? placed[position + 1].range.offset : fileEnd
                let range = ByteRange(part: number, offset: tensor.range.offset, length: end - tensor.range.offset)
                let home: Home =
                    if let layer = model.layer(of: tensor.tensor) {
                        .layer(layer)
                    } else {
                        switch TensorRole(name: tensor.tensor.name) {
                        case .tokenEmbedding: tied ? .firstAndLast : .first
                        case .output: .last
                        case .rotaryFactors: .all
                        case .positionEmbedding, .other: .first
                        }
                    }
                pieces.append(Piece(home: home, range: range))
            }
        }
        return pieces
    }

    /// How many layers go into a shard together.
    private static func groupLayers(of model: GGUFModel, shards: Int) -> Int {
        let rule = CutTable.rule(for: model)
        guard rule.wholeOnlyReason == nil, rule.alignment > 1 else { return 1 }
        let groups = (model.layerCount + rule.alignment - 1) / rule.alignment
        return groups >= shards ? rule.alignment : 1
    }

    /// Deals the layers out to `count` shards, at most as many as there are groups of `groupLayers`.
    private static func fill(
        _ layerBytes: [UInt64], groupLayers: Int, firstBytes: UInt64, lastBytes: UInt64, count: Int
    ) -> [LayerRange] {
        let starts = Array(stride(from: 0, to: layerBytes.count, by: groupLayers))
        let groups = starts.map { start in
            layerBytes[start..<min(start + groupLayers, layerBytes.count)].reduce(0, +)
        }
        var cuts: [LayerRange] = []
        var remaining = firstBytes + layerBytes.reduce(0, +) + lastBytes
        var group = 0
        for shard in 0..<count {
            let slots = count - shard
            let first = group
            var filled = shard == 0 ? firstBytes : 0
            if slots == 1 {
                group = groups.count
            } else {
                let target = remaining / UInt64(slots)
                // Every later shard needs a group too.
                while group < groups.count - (slots - 1) {
                    guard group == first || filled + groups[group] / 2 <= target else { break }
                    filled += groups[group]
                    group += 1
                }
            }
            remaining -= min(filled, remaining)
            let end = group < starts.count ? starts[group] : layerBytes.count
            if let range = LayerRange(first: starts[first], end: end) { cuts.append(range) }
        }
        return cuts
    }
}
