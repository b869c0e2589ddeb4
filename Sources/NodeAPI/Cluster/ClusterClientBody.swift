/// `GET /admin/api/cluster_clients`: the connections of workers.
package struct ClusterClientListBody: Codable, Sendable, Hashable {
    package var clients: [ClusterClientBody]
    /// With a limit alone.
    package var next: Nullable<String>?

    package init(
        clients: [ClusterClientBody], next: Nullable<String>? = nil
    ) {
        self.clients = clients
        self.next = next
    }
}

/// The connection of a worker. Times are seconds since 1970.
package struct ClusterClientBody: Codable, Sendable, Hashable {
    package struct GPUs: Codable, Sendable, Hashable {
        package var cudaAvailable: Bool
        package var rocmAvailable: Bool
        package var cudaDevices: Int
        package var rocmDevices: Int
        package var availableBackends: [String]

        package init(
            cudaAvailable: Bool, rocmAvailable: Bool, cudaDevices: Int, rocmDevices: Int, availableBackends: [String]
        ) {
            self.cudaAvailable = cudaAvailable
            self.rocmAvailable = rocmAvailable
            self.cudaDevices = cudaDevices
            self.rocmDevices = rocmDevices
            self.availableBackends = availableBackends
        }
    }

    package struct Process: Codable, Sendable, Hashable {
        package var name: String
        package var status: String
        package var weight: Int
        package var model: String

        package init(
            name: String, status: String, weight: Int, model: String
        ) {
            self.name = name
            self.status = status
            self.weight = weight
            self.model = model
        }
    }

    package var clientId: String
    package var connectedAt: Double
    package var lastSeen: Double
    package var gpuInfo: GPUs
    package var processes: [Process]

    package init(
        clientId: String, connectedAt: Double, lastSeen: Double, gpuInfo: GPUs, processes: [Process]
    ) {
        self.clientId = clientId
        self.connectedAt = connectedAt
        self.lastSeen = lastSeen
        self.gpuInfo = gpuInfo
        self.processes = processes
    }
}
