import Identifiers
import Link

/// Which worker gets a job.
enum Dispatch {
    /// A worker that could do it.
    struct Candidate: Hashable, Sendable {
        var node: NodeID
        /// At least 1.
        var weight: Int
        /// It failed at a job a short while ago.
        var hasFailed = false
        /// What it does already.
        var activeJobs: Int
        /// The number of the latest job that it was given; 0 for none.
        var lastJob: UInt64
    }

    /// Of those that have not failed lately, if there are any, the one that would have the least to do for its weight, with the job; of several such the one whose latest job is the
    /// longest ago, so that equals take turns.
    static func choose(from candidates: [Candidate]) -> NodeID? {
        candidates.min { one, other in
            if one.hasFailed != other.hasFailed { return other.hasFailed }
            // (active + 1) / weight, compared without dividing.
            let (left, right) = (
                (one.activeJobs + 1) * max(1, other.weight), (other.activeJobs + 1) * max(1, one.weight)
            )
            if left != right { return left < right }
            if one.lastJob != other.lastJob { return one.lastJob < other.lastJob }
            return one.node < other.node
        }?.node
    }
}
