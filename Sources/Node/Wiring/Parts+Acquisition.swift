import Acquisition
import HTTPAPI
import Inference
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
    func acquisitionOperations(_ summaries: ModelSummaries) -> AcquisitionOperations {
        var operations = AcquisitionOperations()
        operations.storage = { await storage(of: await summaries.list().models) }
        let queue = downloads.queue
        operations.add = { [acquirer] in try await acquirer.add($0) }
        operations.download = { await queue.status(of: $0) }
        operations.downloads = { await queue.statuses() }
        operations.cancel = { try await queue.cancel($0) }
        operations.downloadShard = { [acquirer] in try await acquirer.fetch($1, of: $0) }
        operations.downloadFromHub = { [acquirer] request in
            let started = try await acquirer.pull(request.origin, request.wanted, id: request.model)
            return HubDownloadStart(model: started.model, shards: started.shards)
        }
        operations.search = { try await hubWindow.search($0) }
        operations.files = { try await hubWindow.files(of: $0) }
        operations.probe = { try await hubWindow.probe($0) }
        operations.origin = { [keeper] in await keeper.origin(of: $0) }
        operations.policy = { [keeper] in try await keeper.policy(of: $0) }
        operations.setPolicy = { [keeper] in try await keeper.setPolicy($1, of: $0) }
        operations.lock = { [keeper] in try await keeper.setLocked($2, $1, of: $0) }
        operations.pruneHistory = { [keeper] in try await keeper.pruneHistory() }
        operations.schedule = { [keeper] in await keeper.schedule() }
        operations.changeSchedule = { [keeper] in try await keeper.setSchedule($0) }
        return operations
    }

    private var hubWindow: HubWindow {
        get throws {
            HubWindow(
                hub: try acquirer.hubModels, library: library, swarm: swarm, keeper: keeper, settings: settings,
                memoryBytes: inference.memoryBudgetBytes)
        }
    }

    private func storage(of models: [ModelSummary]) async -> StorageSummary {
        let hardware = machine.statistics(dataDirectory: directory.path, engines: [])
        let peers = swarm.peers().filter(\.isConnected)
        let own = settings.resources.maximumMemoryMegabytes
        let memory = own == 0 ? (hardware.memoryBytes >> 20) : own
        let others = peers.reduce(0) { $0 + Int(clamping: ($1.record?.hardware.memoryBytes ?? 0) >> 20) }
        let limits = KeeperSettings(settings, memoryBytes: inference.memoryBudgetBytes).limits
        return StorageSummary(
            models: models,
            diskUsageBytes: DiskUsage.bytes(below: library.directory), isAutoManaged: settings.autoManage.isEnabled,
            autoManagedLimitMegabytes: Int(clamping: limits.storageLimitBytes >> 20),
            diskLimitMegabytes: settings.resources.maximumDiskMegabytes,
            poolMemoryMegabytes: memory + others, localMemoryMegabytes: memory, peerCount: peers.count)
    }
}
