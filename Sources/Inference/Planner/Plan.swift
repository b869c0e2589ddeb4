import GGUF
package import Generation
package import Identifiers
import Link

/// Which nodes run which layers, in order: together all layers of the model.
package struct Plan: Sendable, Equatable {
    /// One window on one node.
    package struct Segment: Sendable, Equatable {
        package let node: NodeID
        package let nickname: String
        package let layers: LayerRange
        /// The window is loaded already.
        package let isLoaded: Bool
        /// Other nodes that hold these layers, best first.
        package let standbys: [NodeID]

        package init(node: NodeID, nickname: String, layers: LayerRange, isLoaded: Bool, standbys: [NodeID]) {
            self.node = node
            self.nickname = nickname
            self.layers = layers
            self.isLoaded = isLoaded
            self.standbys = standbys
        }
    }

    package let segments: [Segment]
    /// What the planner thinks one token costs, in milliseconds, with its penalties.
    package let cost: Double

    package init(segments: [Segment], cost: Double) {
        self.segments = segments
        self.cost = cost
    }
}

/// Why there is no plan.
package enum PlanRefusal: Error, Equatable {
    /// Nobody reachable holds these layers.
    case missingLayers([LayerRange])
    /// The model runs only whole, and nobody reachable holds (and has room for) all of it.
    case cannotBeCut(reason: String)
    /// Every layer is held, but not so that the model can be cut where it may be.
    case misaligned(alignment: Int)
    /// Every layer is held, but no node has the memory for the windows that are needed.
    case doesNotFit

    /// The refusal as an error for the client.
    package func error(model: String, layerCount: Int, excluded: Int) -> InferenceError {
        let lost = excluded == 0 ? "" : ", not counting \(excluded) that failed just now"
        switch self {
        case .missingLayers(let layers):
            let list = layers.map(\.description).joined(separator: ", ")
            return InferenceError(
                .modelNotCovered,
                "no reachable node holds layers \(list) of the \(layerCount) of model \(model)\(lost)",
                hint: "start or join a node that holds them, or import the missing shards here")
        case .cannotBeCut(let reason):
            return InferenceError(
                .modelNotCovered,
                "model \(model) cannot be cut (\(reason)), and no reachable node can run all \(layerCount) layers\(lost)",
                hint: "import every shard of the model on one node with enough memory")
        case .misaligned(let alignment):
            guard alignment > 1 else {
                return InferenceError(
                    .modelNotCovered,
                    "model \(model) cannot be run in the pieces in which the reachable nodes hold its layers\(lost)",
                    hint: "import more of its shards on one of the nodes")
            }
            return InferenceError(
                .modelNotCovered,
                "model \(model) can be cut only after a multiple of \(alignment) layers, and the reachable nodes hold its layers in "
                    + "other pieces\(lost)",
                hint: "import shards so that each node's run of layers begins and ends at a multiple of \(alignment)")
        case .doesNotFit:
            return InferenceError(
                .noCapacity,
                "no reachable nodes have the memory to run model \(model) together\(lost)",
                hint: "unload other models, raise the memory budget, or join a node with more memory")
        }
    }
}
