package import GGUF
package import Identifiers
import Link

/// What a plan is made from: who holds what of one model, how fast, and how far from whom. A value, so that planning
/// can be tested without a swarm.
package struct PlanningSnapshot: Sendable {
    /// Where the model may be cut.
    package enum Cut: Sendable, Equatable {
        /// At every layer index that is a multiple of `Int` (1: anywhere), into windows of any but these numbers of
        /// layers.
        case aligned(Int, forbiddenCounts: Set<Int> = [])
        /// Nowhere, and why.
        case wholeOnly(reason: String)

        /// The cuts that a rule allows.
        package init(_ rule: CutRule) {
            if let reason = rule.wholeOnlyReason {
                self = .wholeOnly(reason: reason)
            } else {
                self = .aligned(max(1, rule.alignment), forbiddenCounts: rule.forbiddenCounts)
            }
        }
    }

    /// A node that holds layers of the model.
    package struct Holder: Sendable {
        package var node: NodeID
        package var nickname: String
        /// Runs of layers held without a gap. A window lies within one of them.
        package var runs: [LayerRange]
        /// Windows that are loaded. One is of use only exactly as it is.
        package var loaded: [LayerRange]
        /// Measured time of one decode step per layer; nil while unknown.
        package var millisecondsPerLayer: Double?
        /// The largest window that memory has room for, in bytes of weights; nil: no limit known.
        package var maximumWindowBytes: UInt64?

        package init(
            node: NodeID, nickname: String = "", runs: [LayerRange], loaded: [LayerRange] = [],
            millisecondsPerLayer: Double? = nil, maximumWindowBytes: UInt64? = nil
        ) {
            self.node = node
            self.nickname = nickname
            self.runs = runs
            self.loaded = loaded
            self.millisecondsPerLayer = millisecondsPerLayer
            self.maximumWindowBytes = maximumWindowBytes
        }
    }

    /// A direction between two nodes.
    package struct Hop: Hashable, Sendable {
        package let from: NodeID
        package let to: NodeID

        package init(from: NodeID, to: NodeID) {
            self.from = from
            self.to = to
        }
    }

    package var model: String
    package var layerCount: Int
    package var cut: Cut
    /// Bytes of each layer's weights, or empty while unknown.
    package var layerBytes: [UInt64]
    /// The node that plans.
    package var coordinator: NodeID
    package var holders: [Holder]
    /// Measured round trips in milliseconds, in either direction.
    package var roundTripMilliseconds: [Hop: Double]
    /// Nodes that failed lately and are left out.
    package var excluded: Set<NodeID>

    package init(
        model: String, layerCount: Int, cut: Cut = .aligned(1), layerBytes: [UInt64] = [], coordinator: NodeID,
        holders: [Holder], roundTripMilliseconds: [Hop: Double] = [:], excluded: Set<NodeID> = []
    ) {
        self.model = model
        self.layerCount = layerCount
        self.cut = cut
        self.layerBytes = layerBytes
        self.coordinator = coordinator
        self.holders = holders
        self.roundTripMilliseconds = roundTripMilliseconds
        self.excluded = excluded
    }

    /// Bytes of a window's weights; 0 while unknown.
    package func bytes(of layers: LayerRange) -> UInt64 {
        guard layers.end <= layerBytes.count else { return 0 }
        return layerBytes[layers.indices].reduce(0, +)
    }

    /// Layers that no holder (not counting excluded ones) has.
    package var missingLayers: [LayerRange] {
        var held = [Bool](repeating: false, count: layerCount)
        for holder in holders where !excluded.contains(holder.node) {
            for run in holder.runs {
                for layer in run.first..<min(run.end, layerCount) { held[layer] = true }
            }
        }
        var missing: [LayerRange] = []
        var layer = 0
        while layer < layerCount {
            guard !held[layer] else {
                layer += 1
                continue
            }
            let first = layer
            while layer < layerCount, !held[layer] { layer += 1 }
            if let range = LayerRange(first: first, end: layer) { missing.append(range) }
        }
        return missing
    }
}
