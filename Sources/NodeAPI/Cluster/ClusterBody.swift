/// `GET /api/admin/cluster_nodes`: who works for the node.
package struct ClusterBody: Codable, Sendable, Hashable {
    package struct Master: Codable, Sendable, Hashable {
        package var totalNodes: Int
        package var connectedNodes: Int
        package var totalWorkers: Int
        package var totalActiveJobs: Int
        package var totalCompletedJobs: Int
        package var uptimeSeconds: Double

        package init(
            totalNodes: Int, connectedNodes: Int, totalWorkers: Int, totalActiveJobs: Int, totalCompletedJobs: Int,
            uptimeSeconds: Double
        ) {
            self.totalNodes = totalNodes
            self.connectedNodes = connectedNodes
            self.totalWorkers = totalWorkers
            self.totalActiveJobs = totalActiveJobs
            self.totalCompletedJobs = totalCompletedJobs
            self.uptimeSeconds = uptimeSeconds
        }
    }

    package struct Node: Codable, Sendable, Hashable {
        package var token: String
        package var tokenName: String
        package var hostname: String
        package var weight: Int
        package var gpus: Int
        package var gpuMemory: [String]
        /// In gigabytes.
        package var totalMemory: Int
        package var workersAvailable: Int
        package var ipAddress: String
        package var connected: Bool
        /// Seconds since 1970.
        package var lastSeen: Double
        package var uptimeSeconds: Double
        package var activeJobs: Int
        package var completedJobs: Int
        /// With `details=true` alone, as is the driver.
        package var nodeId: String?
        package var driver: Nullable<String>?

        package init(
            token: String, tokenName: String, hostname: String, weight: Int, gpus: Int, gpuMemory: [String],
            totalMemory: Int, workersAvailable: Int, ipAddress: String, connected: Bool, lastSeen: Double,
            uptimeSeconds: Double, activeJobs: Int, completedJobs: Int, nodeId: String? = nil,
            driver: Nullable<String>? = nil
        ) {
            self.token = token
            self.tokenName = tokenName
            self.hostname = hostname
            self.weight = weight
            self.gpus = gpus
            self.gpuMemory = gpuMemory
            self.totalMemory = totalMemory
            self.workersAvailable = workersAvailable
            self.ipAddress = ipAddress
            self.connected = connected
            self.lastSeen = lastSeen
            self.uptimeSeconds = uptimeSeconds
            self.activeJobs = activeJobs
            self.completedJobs = completedJobs
            self.nodeId = nodeId
            self.driver = driver
        }
    }

    package var masterStats: Master
    package var nodes: [Node]
    /// With a limit alone.
    package var next: Nullable<String>?

    package init(
        masterStats: Master, nodes: [Node], next: Nullable<String>? = nil
    ) {
        self.masterStats = masterStats
        self.nodes = nodes
        self.next = next
    }
}
