import Acquisition
import Exchange
import GGUF
import Identifiers
import Inference
import ModelLibrary
import Swarm

extension NodeDaemon.Parts {
    /// What inference tells the keeper, and what it tells the swarm for it.
    static func inferenceHooks(records: ModelRecords, coming: ComingShards) -> InferenceHooks {
        var hooks = InferenceHooks()
        hooks.requested = { records.noteRequest($0) }
        hooks.notes = { model in
            // What a peer said is not said again: nobody could tell any more who said it first.
            guard let record = try? records.record(of: model), let origin = record.origin, !record.isOriginHearsay
            else {
                return InferenceHooks.Notes(downloading: coming[model])
            }
            return InferenceHooks.Notes(
                downloading: coming[model],
                hubSource: HubSource(
                    repository: origin.repository, file: origin.file, revision: origin.revision))
        }
        return hooks
    }

    /// What the keeper asks of the other parts.
    static func keeperSurroundings(
        _ settings: Settings, library: ModelLibrary, swarm: SwarmService, inference: InferenceService,
        shardServer: ShardServer, downloads: DownloadParts
    ) -> ShardKeeper.Surroundings {
        var surroundings = ShardKeeper.Surroundings()
        let confirmation = CopyConfirmation(library: library, membership: swarm)
        surroundings.confirm = { try await confirmation.ask($0, $1, $2) }
        let queue = downloads.queue
        surroundings.fetch = { model, shards in
            try await queue.fetch(.some(ShardSelection(Set(shards))), of: model, trigger: .autoManage)
        }
        surroundings.downloading = { await queue.downloading() }
        surroundings.learn = { try await inference.learn(model: $0.rawValue) }
        surroundings.loadedShards = { model in
            Set(await inference.loadedShards(model: model.rawValue).compactMap { ShardIndex($0) })
        }
        surroundings.isInUse = { model, shard in
            if shardServer.inUse.contains(ShardID(model: model.id, index: shard)) { return true }
            return await inference.isInUse(model: model.id.rawValue, layers: model.manifest[shard: shard]?.layers)
        }
        let bandwidth = UInt64(settings.resources.maximumBandwidthBytes)
        surroundings.applyContribution = { level, _ in
            let share = Int(level.bandwidth(of: bandwidth))
            shardServer.bandwidth.bytesPerSecond = share
            downloads.bandwidth.bytesPerSecond = share
        }
        surroundings.republish = { await inference.republish() }
        return surroundings
    }
}

extension KeeperSettings {
    /// - Parameter memoryBytes: what windows may take together.
    init(_ settings: Settings, memoryBytes: UInt64) {
        let auto = settings.autoManage
        var limits = AutoManageSettings(
            maximumDiskBytes: UInt64(settings.resources.maximumDiskMegabytes) << 20,
            maximumStorageBytes: UInt64(auto.maximumStorageMegabytes) << 20, windowMemoryBytes: memoryBytes)
        limits.isEnabled = auto.isEnabled
        limits.allowsPruning = auto.prunes
        limits.minimumReplicas = auto.minimumReplicas
        limits.maximumShardsPerModel = auto.maximumShards
        limits.maximumAcquisitions = auto.maximumConcurrentDownloads
        self.init(
            limits: limits, region: settings.node.region, contribution: settings.node.contribution,
            schedule: settings.resources.schedule, interval: auto.interval)
    }
}
