package import Identifiers

/// Whether and where a model may be cut into windows, and what a window's metadata must say so that libllama computes
/// its layers exactly as it does within the whole model.
package struct CutRule: Sendable {
    /// Windows begin at multiples of this many layers, and end at one or at the model's end. 1: anywhere.
    package var alignment = 1
    /// Why the model runs in one window only; nil where it may be cut.
    package var wholeOnlyReason: String?
    /// The graph's tensor that a window without layer 0 overwrites with the incoming hidden states, once it is
    /// computed; nil where the batch's embeddings reach the first layer unchanged. Such architectures scale their
    /// input whatever it is, or refuse embeddings; so the batch of such a window holds token 0 in every row.
    package var inputTensor: String?
    /// Layer counts that no window may have: libllama takes a model of that many layers for another variant, or the
    /// window might have no sliding-window layer, which it asserts.
    package var forbiddenCounts: Set<Int> = []
    /// What changes in the metadata of a window.
    var rewrites: [MetadataRewrite] = []

    init(
        alignment: Int = 1, inputTensor: String? = nil, forbiddenCounts: Set<Int> = [],
        rewrites: [MetadataRewrite] = []
    ) {
        self.alignment = alignment
        self.inputTensor = inputTensor
        self.forbiddenCounts = forbiddenCounts
        self.rewrites = rewrites
    }

    init(wholeOnly reason: String) {
        wholeOnlyReason = reason
    }

    /// Whether `layers` of a model of `layerCount` layers may be a window. The whole model always may.
    package func allows(_ layers: LayerRange, of layerCount: Int) -> Bool {
        guard layers.end <= layerCount else { return false }
        if layers.count == layerCount { return true }
        return wholeOnlyReason == nil && layers.first % alignment == 0
            && (layers.end % alignment == 0 || layers.end == layerCount) && !forbiddenCounts.contains(layers.count)
    }
}

/// One change to the metadata of a window.
enum MetadataRewrite: Sendable, Hashable {
    /// `leading_dense_block_count`: as many of the window's own layers as are dense.
    case leadingDenseLayers
    /// `nextn_predict_layers`: 0 in windows that are not the last.
    case nextTokenLayers
    /// `attention.sliding_window_pattern`: one truth value per layer, true for layers with a sliding window. Written
    /// out from the period that the file or, without one, the architecture has: of `period` layers the last (or first)
    /// is the one that sees everything.
    case slidingWindowPattern(period: Int, fullLayerFirst: Bool)
    /// A number that libllama applies to whatever comes in: 0, so off, in windows without layer 0.
    case inputScale(key: String)
    /// A whole number that becomes 0 where the file has it.
    case zero(key: String)
    /// A key that libllama works out from the number of layers where the file does not have it.
    case fallback(key: String, value: GGUFFallback)
}

extension MetadataRewrite {
    static let nextTokenLayersKey = "nextn_predict_layers"

    /// How many layers at the end of `model` predict further tokens, at most all of them.
    static func nextTokenLayers(of model: GGUFModel) -> Int {
        min(max(model.property(nextTokenLayersKey)?.integer ?? 0, 0), model.layerCount)
    }

    static let slidingWindowPatternKey = "attention.sliding_window_pattern"

    /// For each layer of `model`, whether it has a sliding window: as the file lists it, else by the period that the
    /// file or the architecture has.
    static func slidingLayers(of model: GGUFModel, defaultPeriod: Int, fullLayerFirst: Bool) -> [Bool] {
        let value = model.property(slidingWindowPatternKey)
        if let array = value?.array, array.count == model.layerCount, let elements = try? array.elements() {
            return elements.map { $0.bool ?? ($0.integer != 0) }
        }
        let period = value?.integer ?? defaultPeriod
        return (0..<model.layerCount).map { layer in
            period <= 0 || layer % period != (fullLayerFirst ? 0 : period - 1)
        }
    }
}

/// A value that stands in for an absent key.
enum GGUFFallback: Sendable, Hashable {
    case uint32(UInt32)
    /// `numerator / sqrt(layers of the whole model)`.
    case overRootOfLayers(numerator: Float)
}
