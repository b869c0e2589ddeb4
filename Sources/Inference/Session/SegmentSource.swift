package import Generation
package import Identifiers
package import Link

/// Where sessions get their segments from: the node's own windows and those of its peers.
package protocol SegmentSource: Sendable {
    /// What a plan is made from, now.
    func snapshot(excluding excluded: Set<NodeID>) async throws -> PlanningSnapshot

    /// Makes sure that the window of a segment is loaded, and connects to its engine.
    ///
    /// - Throws: `SegmentFailure`, or `InferenceError` where trying elsewhere would not help.
    func prepare(_ segment: Plan.Segment) async throws -> ReadySegment

    /// Looks into a failure: an engine of this node that does not answer is killed (its next use starts another), a
    /// connection to a peer that does not answer is dropped.
    ///
    /// - Parameter isProven: The engine was asked already and did not answer.
    /// - Returns: Whether the node itself is there and may serve the same layers again.
    func investigate(_ segment: Plan.Segment, isProven: Bool) async -> Bool
}

/// A segment that a session can be opened in.
package struct ReadySegment: Sendable {
    package let segment: Plan.Segment
    /// The connection to the segment's engine.
    package let channel: LinkChannel
    /// Where the engines of other nodes reach it.
    package let endpoint: Shoal_V1_Endpoint
    /// Keeps a window of this node loaded.
    package let lease: WindowLease?

    package init(segment: Plan.Segment, channel: LinkChannel, endpoint: Shoal_V1_Endpoint, lease: WindowLease? = nil) {
        self.segment = segment
        self.channel = channel
        self.endpoint = endpoint
        self.lease = lease
    }
}

/// Why a session cannot go on where it is.
package struct SegmentFailure: Error, Sendable {
    package enum Kind: Sendable {
        /// The node or its engine is gone or silent. `isProven`: it was asked and did not answer.
        case lost(isProven: Bool)
        /// The window is not loaded (any more).
        case windowGone
        /// No room for one more session just now.
        case busy
        /// The key-value cache is full.
        case contextFull
        /// The node cannot run the segment, and says why; another one may.
        case unable(InferenceError)
        /// The request itself cannot be run anywhere.
        case refused(InferenceError.Code)
    }

    package let kind: Kind
    /// The node that failed.
    package let node: NodeID
    package let message: String
    /// The stream broke before its last event, as it does when the engine at its other end ends.
    package let hasBrokenStream: Bool

    package init(_ kind: Kind, node: NodeID, message: String, hasBrokenStream: Bool = false) {
        self.kind = kind
        self.node = node
        self.message = message
        self.hasBrokenStream = hasBrokenStream
    }
}
