import Acquisition
import Cluster
import Exchange
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
        NodeServices(
            backend: GenerationRouter(inference, cluster), tokenizer: inference, models: catalogue,
            downloads: downloads.queue, acquirer: acquirer,
            keeper: keeper, hub: hubAppraiser, swarm: swarmOperations,
            node: nodeOperations(started: started, shutDown: shutDown), accounts: accounts,
            loras: loras,
            loraLimits: LoRAUploadLimits(
                fileBytes: settings.loras.maximumUploadMegabytes << 20, uploads: settings.loras.maximumUploads,
                deadline: .seconds(60 * settings.loras.maximumUploadMinutes)),
            training: trainingOperations, files: fileOperations, cluster: cluster)
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
