import Acquisition
import HTTPAPI
import Link
import ModelLibrary
import Swarm

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

extension NodeDaemon.Parts {
    /// How the node comes to hold models, as far as it can; the rest is answered with 501.
    var acquisitionOperations: AcquisitionOperations {
        var operations = AcquisitionOperations()
        operations.storage = { await storageSummary() }
        return operations
    }

    private func storageSummary() async -> StorageSummary {
        let hardware = machine.statistics(dataDirectory: directory.path, engines: [])
        let peers = swarm.peers().filter(\.isConnected)
        let own = settings.resources.maximumMemoryMegabytes
        let memory = own == 0 ? (hardware.memoryBytes >> 20) : own
        let others = peers.reduce(0) { $0 + Int(clamping: ($1.record?.hardware.memoryBytes ?? 0) >> 20) }
        return StorageSummary(
            models: await ModelSummaries(library: library, swarm: swarm, inference: inference).all(),
            diskUsageBytes: DiskUsage.bytes(below: library.directory), isAutoManaged: false,
            autoManagedLimitMegabytes: 0, diskLimitMegabytes: hardware.diskBytes >> 20,
            poolMemoryMegabytes: memory + others, localMemoryMegabytes: memory, peerCount: peers.count)
    }
}
