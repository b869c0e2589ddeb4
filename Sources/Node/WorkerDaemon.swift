package import Cluster
import Events
import Generation
import Hardware
import Inference
package import Link
import Logging
import ModelLibrary
import ServiceLifecycle
import Store
import UnixSignals

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// A node that works for the master of a cluster: everything that `shoal worker` runs, wired together.
///
/// It has the data directory of a node, and its models and engines; it has no HTTP interface, listens to nobody, and is in no swarm.
package struct WorkerDaemon: Sendable {
    /// Runs a worker until it is told to stop.
    ///
    /// - Parameter onJoined: told each time that the master has taken the worker.
    /// - Throws: `NodeError`; `ClusterError` with `refused` when the master will never take this worker; the errors of the parts that
    ///   cannot start.
    package static func run(
        _ settings: Settings, onJoined: @escaping @Sendable (LinkAddress, Hostname) -> Void
    ) async throws {
        let place = try Place(settings.cluster)
        let directory = DataDirectory(path: settings.node.dataDirectory)
        try directory.create()
        let lock = try directory.lock()
        try await StandardErrorLogHandler.logging(settings.log, in: directory) { logger in
            try await run(settings, place, in: directory, logger: logger, onJoined: onJoined)
        }
        _ = consume lock
    }

    private static func run(
        _ settings: Settings, _ place: Place, in directory: DataDirectory, logger: Logger,
        onJoined: @escaping @Sendable (LinkAddress, Hostname) -> Void
    ) async throws {
        directory.removeLeftovers()
        for sentence in try directory.closeToOthers() { logger.warning("\(sentence)") }
        for name in settings.unknownVariables {
            logger.warning("the environment variable is no setting", metadata: ["name": "\(name)"])
        }
        let machine = await Machine.read()
        let events = EventBus()
        let store = try Store(path: directory.database)
        let identity = try NodeIdentity.loadOrCreate(path: directory.identityKey)
        let library = try await ModelLibrary.open(
            directory: directory.models, store: store, events: events, logger: Logger(label: "library"))
        var inferenceSettings = try NodeDaemon.inferenceSettings(settings, directory: directory)
        // The engines answer this process alone: nobody holds the key of the swarm that they are in.
        inferenceSettings.engineListenHost = "127.0.0.1"
        // Nobody else asks a worker.
        inferenceSettings.callerPercent = 100
        let inference = InferenceService(
            settings: inferenceSettings, library: library,
            membership: SoloMembership(me: identity.id, record: machine.record(of: settings.node, id: identity.id)),
            credentials: try CurrentCredentials(LinkCredentials(identity: identity, swarm: SwarmKey())), events: events,
            logger: Logger(label: "inference"))
        let engines = WorkerEngines(
            inference: inference, engineBinary: settings.engine.binary,
            gpus: machine.gpus.devices.map { WorkerGPU($0) },
            logger: Logger(label: "engines"))
        let worker = try ClusterWorker(
            master: place.master, token: place.token, identity: identity,
            operations: operations(
                place, weight: settings.cluster.weight, machine: machine, library: library, inference: inference,
                engines: engines),
            logger: Logger(label: "worker"), onJoined: onJoined)
        logger.info(
            "starting",
            metadata: [
                "node": "\(identity.id)", "version": "\(NodeVersion.current)", "data": "\(directory.path)",
                "master": "\(place.master)",
            ])
        var configuration = ServiceGroupConfiguration(
            services: [
                .init(service: inference, serviceName: "inference"),
                .init(service: LibraryWatch(library: library), serviceName: "library watch"),
                .init(
                    service: worker, successTerminationBehavior: .gracefullyShutdownGroup,
                    failureTerminationBehavior: .gracefullyShutdownGroup, serviceName: "worker"),
            ],
            gracefulShutdownSignals: [.sigterm, .sigint], logger: Logger(label: "services"))
        configuration.maximumGracefulShutdownDuration = NodeDaemon.shutdownLimit
        configuration.maximumCancellationDuration = NodeDaemon.cancellationLimit
        try await ServiceGroup(configuration: configuration).run()
        logger.info("stopped")
    }

    /// Where the worker works, and under what name.
    private struct Place {
        let master: LinkAddress
        let token: ClusterToken
        let hostname: Hostname

        init(_ settings: Settings.Cluster) throws {
            guard let address = settings.master, let master = LinkAddress(address) else {
                throw NodeError(.badWorker, "a worker needs a master: --master HOST:PORT, its swarm port")
            }
            self.master = master
            token = try Self.token(settings)
            hostname = settings.hostname.flatMap { Hostname($0) } ?? Self.ownHostname()
        }

        private static func token(_ settings: Settings.Cluster) throws -> ClusterToken {
            if let text = settings.token, let token = ClusterToken(text) { return token }
            guard let path = settings.tokenFile else {
                throw NodeError(
                    .badWorker,
                    "a worker needs a cluster token: --token-file, SHOAL_CLUSTER_TOKEN or --token; “shoal cluster token add NAME” on the master makes one"
                )
            }
            let bytes: [UInt8]
            do {
                bytes = try SmallFile.read(path, limit: 4096)
            } catch {
                throw NodeError(.badWorker, "cannot read the cluster token in \(path)", cause: error)
            }
            let text = String(decoding: bytes, as: UTF8.self).split(whereSeparator: \.isWhitespace).first ?? ""
            guard let token = ClusterToken(text) else {
                throw NodeError(.badWorker, "\(path) holds no cluster token, as “shoal cluster token add” prints it")
            }
            return token
        }

        private static func ownHostname() -> Hostname {
            Hostname(Settings.fullHostName()) ?? Hostname("worker")!
        }
    }

    private static func operations(
        _ place: Place, weight: Int, machine: Machine, library: ModelLibrary, inference: InferenceService,
        engines: WorkerEngines
    ) -> WorkerOperations {
        return WorkerOperations(
            description: {
                WorkerDescription(
                    hostname: place.hostname, version: NodeVersion.current, weight: weight,
                    memoryBytes: UInt64(clamping: machine.memoryBytes), gpus: engines.gpus,
                    backEnds: await engines.backEnds(),
                    models: await inference.availableModels().filter(\.isCovered).map { WorkerModel($0) })
            },
            processes: { await engines.processes(weight: weight) },
            activeJobs: { inference.statistics().activeRequests },
            watch: { onChange in for await _ in library.changes() { await onChange() } },
            backend: inference,
            setDriver: { await engines.setDriver($0) })
    }
}

extension WorkerModel {
    fileprivate init(_ model: AvailableModel) {
        self.init(
            id: model.id, name: model.name, architecture: model.architecture, layerCount: model.layerCount,
            shardCount: model.shardCount, totalBytes: model.totalBytes, contextLength: model.contextLength ?? 0,
            createdUnixSeconds: model.createdUnixSeconds)
    }
}
