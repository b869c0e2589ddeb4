package import Identifiers
import Link

#if canImport(FoundationEssentials)
    package import FoundationEssentials
#else
    package import Foundation
#endif

/// A node of the cluster, connected or recently so.
package struct ClusterNode: Sendable, Hashable {
    package let node: NodeID
    package let token: ClusterTokenRecord
    package let hostname: Hostname
    package let weight: Int
    package let gpus: [WorkerGPU]
    /// Engine processes that it can run jobs in: one for each model that it has whole; none when it is not connected.
    package let workersAvailable: Int
    /// The IP address that it was last seen at; empty when it is not known.
    package let address: String
    package let isConnected: Bool
    package let lastSeen: Date
    /// Since it connected; zero when it is not.
    package let uptime: Duration
    package let activeJobs: Int
    package let completedJobs: Int
    /// The driver that the operator prefers there.
    package let driver: GPUDriver?
}

/// A connected worker.
package struct ClusterClient: Sendable, Hashable {
    package let node: NodeID
    package let hostname: Hostname
    package let connectedAt: Date
    package let lastSeen: Date
    package let gpus: [WorkerGPU]
    package let backEnds: [String]
    package let processes: [WorkerProcess]
}

/// The cluster in figures.
package struct MasterStatistics: Sendable, Hashable {
    /// Connected and recently disconnected ones.
    package let totalNodes: Int
    package let connectedNodes: Int
    package let totalWorkers: Int
    package let activeJobs: Int
    /// Since the first worker joined, over restarts.
    package let completedJobs: Int
    /// Since the master started.
    package let uptime: Duration
}

extension ClusterRegistry {
    /// Connected nodes, and those that were lately, by host name.
    func summaries(tokens: [ClusterTokenID: ClusterTokenRecord], at now: Duration, date: Date) -> [ClusterNode] {
        nodes.compactMap { key, node in
            guard let token = tokens[key.token], isShown(node, at: date) else { return nil }
            return ClusterNode(
                node: key.node, token: token, hostname: key.hostname, weight: node.record.weight,
                gpus: node.record.gpus, workersAvailable: node.session?.description.models.count ?? 0,
                address: node.record.address, isConnected: node.session != nil, lastSeen: node.record.lastSeen,
                uptime: node.session.map { now - $0.connected } ?? .zero, activeJobs: node.session?.jobs.count ?? 0,
                completedJobs: node.record.completedJobs, driver: driver(of: key))
        }.sorted { ($0.hostname, $0.token.id, $0.node) < ($1.hostname, $1.token.id, $1.node) }
    }

    func clients() -> [ClusterClient] {
        nodes.compactMap { key, node in
            guard let session = node.session else { return nil }
            return ClusterClient(
                node: key.node, hostname: key.hostname, connectedAt: session.connectedDate,
                lastSeen: node.record.lastSeen, gpus: session.description.gpus,
                backEnds: session.description.backEnds, processes: session.processes)
        }.sorted { $0.node < $1.node }
    }

    func statistics(uptime: Duration, date: Date) -> MasterStatistics {
        let shown = nodes.values.filter { isShown($0, at: date) }
        return MasterStatistics(
            totalNodes: shown.count, connectedNodes: shown.count { $0.session != nil },
            totalWorkers: shown.reduce(0) { $0 + ($1.session?.description.models.count ?? 0) },
            activeJobs: jobs.count,
            completedJobs: nodes.values.reduce(retiredJobs) { $0 + $1.record.completedJobs }, uptime: uptime)
    }

    private func isShown(_ node: Node, at date: Date) -> Bool {
        node.session != nil || date.timeIntervalSince(node.record.lastSeen) <= rules.recentlySeconds
    }
}
