import Identifiers

/// Rewrites a model's metadata and tensor table for one window.
struct WindowHeader {
    /// Where a tensor's bytes come from.
    enum Content: Sendable {
        /// The model's own bytes.
        case range(ByteRange)
        case zeros
        /// 1.0 in f32, over and over.
        case ones
    }

    /// Vocabulary of a window that neither takes tokens nor yields logits. libllama wants one all the same.
    static let standInVocabulary: UInt64 = 8

    /// Arrays with one element per layer, without the architecture's prefix.
    private static let layerArrays: Set<String> = [
        "feed_forward_length", "attention.head_count", "attention.head_count_kv", "expert_feed_forward_length",
        "expert_used_count", "attention.sliding_window_pattern", "swiglu_clamp_exp", "swiglu_clamp_shexp",
        "xielu.alpha_n", "xielu.alpha_p", "xielu.beta", "xielu.eps",
    ]

    let model: GGUFModel
    let layers: LayerRange
    let rule: CutRule

    var isFirst: Bool { layers.first == 0 }
    var isLast: Bool { layers.end == model.layerCount }
    /// Whether tokens go in or come out, so that the window needs the vocabulary.
    var hasVocabulary: Bool { isFirst || isLast }

    // MARK: Metadata

    /// The window's metadata.
    func metadata() throws -> [GGUFHeader.Entry] {
        let prefix = "\(model.architecture)."
        var entries: [GGUFHeader.Entry] = []
        for entry in model.header.metadata {
            if entry.key.hasPrefix("split.") { continue }
            if !hasVocabulary, entry.key.hasPrefix("tokenizer.") || entry.key == prefix + "vocab_size" { continue }
            entries.append(try sliced(entry, prefix: prefix))
        }
        set(prefix + "block_count", to: .uint32(UInt32(layers.count)), in: &entries)
        if !hasVocabulary {
            set("tokenizer.ggml.model", to: .string("none"), in: &entries)
            set(prefix + "vocab_size", to: .uint32(UInt32(Self.standInVocabulary)), in: &entries)
        }
        if layers.count < model.layerCount {
            for rewrite in rule.rewrites { try apply(rewrite, prefix: prefix, to: &entries) }
        }
        return entries
    }

    /// The entry with only the window's elements where it has one per layer.
    private func sliced(_ entry: GGUFHeader.Entry, prefix: String) throws -> GGUFHeader.Entry {
        let name = entry.key.hasPrefix(prefix) ? String(entry.key.dropFirst(prefix.count)) : entry.key
        guard Self.layerArrays.contains(name), let array = entry.value.array
        else { return entry }
        guard array.count >= layers.end else {
            throw GGUFError(
                .badWindow,
                "\(entry.key) has \(array.count) elements for \(model.layerCount) layers; fetch the model again",
                field: entry.key, path: model.parts[0].name)
        }
        return GGUFHeader.Entry(key: entry.key, value: .array(try array.slice(layers.indices)))
    }

    private func set(_ key: String, to value: GGUFValue, in entries: inout [GGUFHeader.Entry]) {
        let entry = GGUFHeader.Entry(key: key, value: value)
        if let position = entries.firstIndex(where: { $0.key == key }) {
            entries[position] = entry
        } else {
            entries.append(entry)
        }
    }

    private func apply(_ rewrite: MetadataRewrite, prefix: String, to entries: inout [GGUFHeader.Entry]) throws {
        switch rewrite {
        case .leadingDenseLayers:
            let key = prefix + "leading_dense_block_count"
            guard let dense = model.header[key]?.integer else { return }
            let own = max(0, min(dense - layers.first, layers.count))
            set(key, to: .uint32(UInt32(own)), in: &entries)
        case .nextTokenLayers:
            if !isLast { set(prefix + MetadataRewrite.nextTokenLayersKey, to: .uint32(0), in: &entries) }
        case .slidingWindowPattern(let defaultPeriod, let fullLayerFirst):
            let key = prefix + MetadataRewrite.slidingWindowPatternKey
            // An array has been sliced already.
            if model.header[key]?.array != nil { return }
            let slides = MetadataRewrite.slidingLayers(
                of: model, defaultPeriod: defaultPeriod, fullLayerFirst: fullLayerFirst)[layers.indices]
            set(key, to: .array(GGUFArray(Array(slides))), in: &entries)
        case .inputScale(let key):
            if !isFirst { set(prefix + key, to: .float32(0), in: &entries) }
        case .zero(let key):
            if model.header[prefix + key] != nil { set(prefix + key, to: .uint32(0), in: &entries) }
        case .fallback(let key, let value):
            guard model.header[prefix + key] == nil else { return }
            let value: GGUFValue =
                switch value {
                case .uint32(let number): .uint32(number)
                case .overRootOfLayers(let numerator): .float32(numerator / Float(model.layerCount).squareRoot())
                }
            set(prefix + key, to: value, in: &entries)
        }
    }

    // MARK: Tensors

    /// The window's tensors in file order, without offsets.
    func tensors() throws -> [(tensor: GGUFTensor, content: Content)] {
        var tensors: [(GGUFTensor, Content)] = []
        for placed in model.tensors {
            let tensor = placed.tensor
            if let layer = model.layer(of: tensor) {
                guard layers.contains(layer), let rest = tensor.nameInLayer else { continue }
                tensors.append(
                    (try renamed(tensor, to: "blk.\(layer - layers.first).\(rest)"), .range(placed.range)))
            } else if let standIn = try standIn(for: placed) {
                tensors.append(standIn)
            }
        }
        return tensors
    }

    /// What stands for a tensor of no layer in this window; nil where libllama does without.
    private func standIn(for placed: GGUFModel.PlacedTensor) throws -> (GGUFTensor, Content)? {
        let tensor = placed.tensor
        let real = (tensor, Content.range(placed.range))
        switch TensorRole(name: tensor.name) {
        case .rotaryFactors, .other:
            return real
        case .tokenEmbedding:
            let needed = isFirst || (isLast && model.hasTiedEmbeddings)
            return needed ? real : (try vocabularyStandIn(for: tensor), .zeros)
        case .positionEmbedding:
            return isFirst ? real : (try renamed(tensor, type: .f16), .zeros)
        case .output:
            if isLast { return real }
            switch tensor.name {
            case "output.weight": return (try vocabularyStandIn(for: tensor), .zeros)
            case "output.bias":
                let count = hasVocabulary ? tensor.dimensions[0] : Self.standInVocabulary
                return (try renamed(tensor, dimensions: [count], type: .f32), .zeros)
            case "output_norm.weight": return (try renamed(tensor, type: .f32), .ones)
            case "output_norm.bias": return (try renamed(tensor, type: .f32), .zeros)
            default: return nil
            }
        }
    }

    /// A matrix of (embedding length × vocabulary) that is never computed with, as small as its shape allows.
    private func vocabularyStandIn(for tensor: GGUFTensor) throws -> GGUFTensor {
        guard tensor.dimensions.count == 2 else {
            throw GGUFError(
                .badDimensions, "tensor \(tensor.name) is no matrix; fetch the model again", field: tensor.name)
        }
        let width = tensor.dimensions[0]
        let candidates: [TensorType] = [.q1_0, .q2_0, .q4_0]
        let type = candidates.first { width % UInt64($0.blockElements) == 0 } ?? .f16
        return try renamed(
            tensor, dimensions: [width, hasVocabulary ? tensor.dimensions[1] : Self.standInVocabulary], type: type)
    }

    private func renamed(
        _ tensor: GGUFTensor, to name: String? = nil, dimensions: [UInt64]? = nil, type: TensorType? = nil
    ) throws -> GGUFTensor {
        try GGUFTensor(
            name: name ?? tensor.name, dimensions: dimensions ?? tensor.dimensions, type: type ?? tensor.type, offset: 0
        )
    }
}
