import Acquisition
import Catalogue
import Inference
import ModelLibrary
import Swarm

extension NodeDaemon.Parts {
    /// What there is of models, and how they leave.
    var catalogue: CatalogueService {
        let memory = settings.resources.maximumMemoryMegabytes
        let limits = KeeperSettings(settings, memoryBytes: inference.memoryBudgetBytes).limits
        return CatalogueService(
            library: library, inference: inference, keeper: keeper, queue: downloads.queue, membership: swarm,
            limits: StorageLimits(
                isAutoManaged: settings.autoManage.isEnabled,
                autoManagedMegabytes: Int(clamping: limits.storageLimitBytes >> 20),
                diskMegabytes: settings.resources.maximumDiskMegabytes,
                memoryMegabytes: memory == 0 ? machine.memoryBytes >> 20 : memory))
    }

    /// The hub as operators look at it.
    var hubAppraiser: HubAppraiser {
        HubAppraiser(
            acquirer: acquirer, library: library, membership: swarm, keeper: keeper,
            memoryBytes: inference.memoryBudgetBytes,
            shardSizeBytes: UInt64(settings.models.shardSizeMegabytes) << 20,
            minimumReplicas: settings.autoManage.minimumReplicas)
    }
}
