package import Identifiers
package import Link

#if canImport(FoundationEssentials)
    package import FoundationEssentials
#else
    package import Foundation
#endif

/// What a node says about itself. Whose word it is, its signature says: see ``SignedNodeRecord``.
package struct NodeRecord: Hashable, Sendable {
    /// Grows with every change; a record with a smaller one is stale.
    package var sequence: UInt64 = 0
    package var issued = Date(timeIntervalSince1970: 0)
    /// When the node was started; nil when not said.
    package var started: Date?
    /// What its operator calls it; empty when nothing.
    package var nickname = ""
    package var version = ""
    package var engineVersion = ""
    /// Where the node is, as its operator calls it; nil when not said.
    package var region: String?
    /// Of the swarm port, best first.
    package var addresses: [LinkAddress] = []
    package var hardware = HardwareDescription()
    package var models: [HeldModel] = []
    /// How many models the node has that the record has no room for.
    package var omittedModels = 0
    /// Measured round trips from this node to others.
    package var links: [NodeID: Duration] = [:]
    /// Requests that clients made of the node within the last hour, of models that it knows of.
    package var demand: [ModelID: Int] = [:]

    package init() {}
}

/// The machine that a node runs on.
package struct HardwareDescription: Hashable, Sendable {
    package var processor = ""
    package var cores = 0
    /// 0 when not said.
    package var memoryBytes: UInt64 = 0
    /// The name of its GPU; nil when it has none.
    package var gpu: String?
    package var gpuMemoryBytes: UInt64 = 0
    package var operatingSystem = ""
}
