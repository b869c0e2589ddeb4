import GGUF
package import Identifiers

/// A model as this node can run it: its files, and what sizes follow from its header.
package struct ServedModel: Sendable {
    package let id: String
    package let name: String
    /// Files in part order; sparse where shards are missing.
    package let paths: [String]
    package let layerCount: Int
    package let cut: PlanningSnapshot.Cut
    /// Bytes of weights of each layer; those of no layer are with the first or the last.
    package let layerBytes: [UInt64]
    /// Bytes of key-value cache per cell and layer.
    package let cacheBytesPerCellAndLayer: UInt64
    /// Tokens that the model was trained for; 0 when its header does not say.
    package let trainedContextLength: Int
    /// BLAKE3 of the manifest: nodes with another one hold another model.
    package let manifestHash: [UInt8]

    package init(
        id: String, name: String, paths: [String], layerCount: Int, cut: PlanningSnapshot.Cut, layerBytes: [UInt64],
        cacheBytesPerCellAndLayer: UInt64, trainedContextLength: Int, manifestHash: [UInt8]
    ) {
        self.id = id
        self.name = name
        self.paths = paths
        self.layerCount = layerCount
        self.cut = cut
        self.layerBytes = layerBytes
        self.cacheBytesPerCellAndLayer = cacheBytesPerCellAndLayer
        self.trainedContextLength = trainedContextLength
        self.manifestHash = manifestHash
    }

    /// Tokens that one session may have, prompt and answer together.
    package func contextLength(_ settings: InferenceSettings) -> Int {
        trainedContextLength > 0 ? min(trainedContextLength, settings.contextLength) : settings.contextLength
    }

    /// Cells of a window's key-value cache, which all of its sessions share: as many as configured, else room for
    /// sixteen short sessions or one long one.
    package func cacheCells(_ settings: InferenceSettings) -> Int {
        let session = contextLength(settings)
        if let cells = settings.cacheCells { return max(cells, 1) }
        return max(session, min(session * 16, 8192))
    }

    /// Bytes that a window takes, as far as the header tells before it is loaded.
    package func windowBytes(_ layers: LayerRange, _ settings: InferenceSettings) -> UInt64 {
        weightBytes(layers) + cacheBytesPerCellAndLayer * UInt64(layers.count) * UInt64(cacheCells(settings))
    }

    /// Whether `layers` may be a window.
    package func allows(_ layers: LayerRange) -> Bool {
        if layers.first == 0, layers.end == layerCount { return true }
        switch cut {
        case .wholeOnly: return false
        case .aligned(let alignment, let forbidden):
            return layers.first % alignment == 0 && (layers.end % alignment == 0 || layers.end == layerCount)
                && !forbidden.contains(layers.count)
        }
    }

    /// Bytes of the weights of `layers`.
    package func weightBytes(_ layers: LayerRange) -> UInt64 {
        guard layers.end <= layerBytes.count else { return 0 }
        return layerBytes[layers.indices].reduce(0, +)
    }
}
