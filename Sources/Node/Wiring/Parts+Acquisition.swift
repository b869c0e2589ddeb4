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
    /// How the node comes to hold models, and what it keeps of them.
    func acquisitionOperations(_ summaries: ModelSummaries) -> AcquisitionOperations {
        let queue = downloads.queue
        return AcquisitionOperations(
            add: { [acquirer] in try await acquirer.add($0) },
            download: { await queue.status(of: $0) },
            downloads: { await queue.statuses() },
            cancel: { try await queue.cancel($0) },
            downloadShard: { [acquirer] in try await acquirer.fetch($1, of: $0) },
            downloadFromHub: { [acquirer] request in
                let started = try await acquirer.pull(request.origin, request.wanted, id: request.model)
                return HubDownloadStart(model: started.model, shards: started.shards)
            },
            search: { try await hubAppraiser.search($0) },
            files: { try await hubAppraiser.files(of: $0) },
            probe: { try await hubAppraiser.probe($0) },
            origin: { [keeper] in await keeper.origin(of: $0) },
            policy: { [keeper] in try await keeper.policy(of: $0) },
            setPolicy: { [keeper] in try await keeper.setPolicy($1, of: $0) },
            lock: { [keeper] in try await keeper.setLocked($2, $1, of: $0) },
            pruneHistory: { [keeper] in try await keeper.pruneHistory() },
            schedule: { [keeper] in await keeper.schedule() },
            changeSchedule: { [keeper] in try await keeper.setSchedule($0) },
            storage: { await storage(of: await summaries.list().models) })
    }

    private var hubAppraiser: HubAppraiser {
        get throws {
            HubAppraiser(
                hub: try acquirer.hubModels, library: library, swarm: swarm, keeper: keeper, settings: settings,
                memoryBytes: inference.memoryBudgetBytes)
        }
    }

    private func storage(of models: [ModelSummary]) async -> StorageSummary {
        let hardware = await machine.statistics(dataDirectory: directory.path, engines: [])
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
