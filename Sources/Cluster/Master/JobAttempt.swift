import Identifiers
import Link

/// One worker's try at a job.
final class JobAttempt: Sendable {
    /// The worker is gone, or did not do what it was to.
    struct Lost: Error {
        let reason: String
    }

    let id: ClusterRegistry.JobID
    let node: NodeID
    let hostname: Hostname
    let request: Shoal_V1_JobRequest
    /// What the worker sends, from `ready` on.
    let pipe = JobPipe<Shoal_V1_JobEvent>(weightCapacity: 4 << 20) { $0.weight }

    init(id: ClusterRegistry.JobID, node: NodeID, hostname: Hostname, request: Shoal_V1_JobRequest) {
        self.id = id
        self.node = node
        self.hostname = hostname
        self.request = request
    }
}
