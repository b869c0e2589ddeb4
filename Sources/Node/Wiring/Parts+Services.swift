import Acquisition
import Cluster
import GGUF
import Generation
import HTTPAPI
import Hardware
import Identifiers
import Inference
import Link
import ModelLibrary
import Router
import Swarm

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

extension NodeDaemon.Parts {
    /// What the HTTP routes call.
    ///
    /// - Parameters:
    ///   - started: when the node started.
    ///   - shutDown: begins a graceful shutdown and returns at once.
    func services(started: ContinuousClock.Instant, shutDown: @escaping @Sendable () -> Void) -> NodeServices {
        let summaries = ModelSummaries(
            library: library, swarm: swarm, inference: inference, records: keeper.records,
            downloads: { [downloads] in await downloads.queue.statuses() })
        return NodeServices(
            backend: GenerationRouter(inference, cluster), tokenizer: inference, models: modelOperations(summaries),
            acquisition: acquisitionOperations(summaries), swarm: swarmOperations,
            node: nodeOperations(started: started, shutDown: shutDown), accounts: accounts,
            loras: LoRAOperations(
                library: loras,
                limits: LoRAUploadLimits(
                    fileBytes: settings.loras.maximumUploadMegabytes << 20, uploads: settings.loras.maximumUploads,
                    deadline: .seconds(60 * settings.loras.maximumUploadMinutes))),
            training: trainingOperations, files: fileOperations, cluster: cluster)
    }

    private func modelOperations(_ summaries: ModelSummaries) -> ModelOperations {
        ModelOperations(
            summaries: { await summaries.list() },
            metadata: { [library] name in
                guard let id = ModelID(name) else { return nil }
                return try await library.models().first { $0.id == id }?.open()
            },
            unload: { [inference] name in
                let unloading = try await inference.unload(model: name)
                return ModelUnloading(
                    modelName: unloading.modelName, windowsRemoved: unloading.windowsRemoved,
                    freedBytes: Int(clamping: unloading.freedBytes))
            },
            loadShard: { [inference] in try await inference.loadShard(model: $0, shard: $1) },
            unloadShard: { [inference] in try await inference.unloadShard(model: $0, shard: $1) },
            remove: { [inference, library, keeper, downloads] name in
                let id = try ModelID(existing: name)
                _ = try await library.model(id)
                _ = try await inference.unload(model: name)
                try await keeper.noteDeleted(model: id)
                if await downloads.queue.status(of: id)?.state.isActive == true { try await downloads.queue.cancel(id) }
                let files = try await library.remove(id: id)
                await downloads.queue.forget(id)
                return files
            },
            removeShard: { [inference, library, keeper] name, number in
                let id = try ModelID(existing: name)
                let model = try await library.model(id)
                // What is left of its window is loaded again, so that the model goes on answering.
                _ = try await inference.unloadShard(model: name, shard: number)
                guard let index = ShardIndex(number), model.held.contains(index) else { return }
                try await keeper.noteDeleted(shard: index, of: id)
                try await library.removeShard(id: id, shard: index)
            },
            rescan: { [library] in try await library.rescan().map(\.rawValue) })
    }

    private var swarmOperations: SwarmOperations {
        SwarmOperations(
            peers: { [swarm, reputation] in
                swarm.peers().map { ($0, reputation.score(of: $0.id)) }
            },
            networkCode: { [swarm] in
                NetworkCode(
                    code: try swarm.inviteCode(), nodeID: swarm.me,
                    listenAddresses: swarm.ownRecord.addresses
                        .map { Multiaddress($0, nodeID: swarm.me).description },
                    peerCount: swarm.peers().count { $0.isConnected })
            },
            join: { [swarm] in try await swarm.join(code: $0).description },
            leave: { [swarm, linkServer] in
                try await swarm.leaveSwarm(disconnect: linkServer.disconnectEverybody)
            },
            forget: { [swarm] in try swarm.forget($0) })
    }

    private func nodeOperations(
        started: ContinuousClock.Instant, shutDown: @escaping @Sendable () -> Void
    ) -> NodeOperations {
        NodeOperations(
            version: NodeVersion.current,
            nowUnixSeconds: { Int(Date().timeIntervalSince1970) },
            statistics: {
                NodeStatistics(
                    nodeID: swarm.me, uptime: .now - started,
                    connectedPeers: swarm.peers().count { $0.isConnected },
                    hostedShards: await library.models().map(\.held.count).reduce(0, +),
                    inference: inference.statistics(), hardware: await hardwareStatistics())
            },
            readiness: { [inference, settings, linkServer] in
                let hasEngine = FileManager.default.isExecutableFile(atPath: settings.engine.binary)
                let listens = (try? await linkServer.port) != nil
                let models = await inference.availableModels()
                return [
                    ("engine", hasEngine), ("swarm", listens),
                    ("models", models.isEmpty || models.contains { $0.isCovered }),
                ]
            },
            shutDown: shutDown)
    }

    private func hardwareStatistics() async -> HardwareStatistics {
        var statistics = await machine.statistics(dataDirectory: directory.path, engines: Machine.childProcesses())
        // What engines compute with is known once one has said so.
        statistics.backEnd = await inference.engines().first { !$0.devices.isEmpty }
            .map { DriverChoice.backEnd(of: $0.devices) }
        statistics.usesGPU = statistics.backEnd.map { $0 != "cpu" } ?? false
        // Of a machine with GPUs it is not known what engines compute with before one has said so.
        if statistics.backEnd == "cpu" || (statistics.backEnd == nil && machine.gpus.devices.isEmpty) {
            // What computes meanwhile would be slowed down, and the figure be too low.
            let isIdle = inference.statistics().activeRequests == 0
            statistics.memoryBandwidth = await memoryBandwidth.value(mayBegin: isIdle)
        }
        return statistics
    }
}

extension ModelID {
    /// An id as a client wrote it; text that no id may be names no model.
    fileprivate init(existing name: String) throws {
        guard let id = ModelID(name) else {
            throw LibraryError(
                .modelNotFound, "the library has no model \(name.prefix(128)); look at the list of models")
        }
        self = id
    }
}
