package import Accounts
import Acquisition
import Adapters
import Cluster
import Events
import Exchange
import HTTPAPI
import Hardware
import Identifiers
import Inference
import Jobs
import Link
import Logging
import ModelLibrary
import ServiceLifecycle
import Store
import Swarm
import Synchronization
import UnixSignals

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// A node: everything that `shoal serve` runs, wired together.
///
/// All that lives long is a service of one group. On SIGTERM and SIGINT the group stops them in reverse order: first the
/// HTTP server, which lets answers end, then the links to other nodes, last the engines.
package struct NodeDaemon: Sendable {
    /// Time that everything together has to stop, before what is left is cancelled.
    static let shutdownLimit: Duration = .seconds(8)
    /// Time that cancelled services have to end, before the process does.
    static let cancellationLimit: Duration = .seconds(1)
    /// The longest folder for engine sockets: socket paths must fit into 107 bytes (unix(7)).
    private static let longestSocketFolder = 80

    /// Runs a node until it is told to stop.
    ///
    /// - Parameters:
    ///   - onListening: told the base address of the HTTP interface, once it answers.
    ///   - onFirstAdministrator: told the password of an administrator that the node made, to show it once.
    /// - Throws: `NodeError`, and the errors of the parts that cannot start.
    package static func run(
        _ settings: Settings, onListening: @escaping @Sendable (String) -> Void,
        onFirstAdministrator: @escaping @Sendable (OneTimePassword) -> Void
    ) async throws {
        Allocator.giveBackSooner()
        let directory = DataDirectory(path: settings.node.dataDirectory)
        try directory.create()
        let lock = try directory.lock()
        try await StandardErrorLogHandler.logging(settings.log, in: directory) { logger in
            try await run(
                settings, in: directory, logger: logger, onListening: onListening,
                onFirstAdministrator: onFirstAdministrator)
        }
        _ = consume lock
    }

    private static func run(
        _ settings: Settings, in directory: DataDirectory, logger: Logger,
        onListening: @escaping @Sendable (String) -> Void,
        onFirstAdministrator: @escaping @Sendable (OneTimePassword) -> Void
    ) async throws {
        directory.removeLeftovers()
        for sentence in try directory.closeToOthers() { logger.warning("\(sentence)") }
        defer { RunRecord.remove(in: directory) }
        for name in settings.unknownVariables {
            logger.warning("the environment variable is no setting", metadata: ["name": "\(name)"])
        }

        try FreePort.check(
            host: settings.api.host, port: settings.api.port, for: "HTTP", flag: "--port")
        try FreePort.check(
            host: settings.swarm.host, port: settings.swarm.port, for: "other nodes", flag: "--swarm-port")
        let parts = try await Parts(settings: settings, directory: directory, logger: logger)
        let shutdown = ShutdownRequest()
        let (listening, reached) = AsyncStream<Void>.makeStream()
        let announcement = Announcement(directory: directory, parts: parts)
        let services = parts.services(started: .now, shutDown: { shutdown.make() })
        let server = HTTPAPI.server(
            configuration: try httpConfiguration(settings, directory: directory), services: services,
            logger: Logger(label: "http")
        ) { port in
            let url = "http://\(shownHost(settings.api.host)):\(port)"
            announcement.listening(at: url)
            onListening(url)
            reached.finish()
        }
        let upkeep = AccountUpkeep(
            accounts: parts.accounts, makesFirstAdministrator: settings.accounts.makesFirstAdministrator,
            passwordFile: directory.oneTimePassword, listening: listening, onFirstAdministrator: onFirstAdministrator)
        var configuration = ServiceGroupConfiguration(
            services: [
                // The names keep the group from describing services by their contents, keys included.
                .init(service: parts.inference, serviceName: "inference"),
                .init(service: parts.swarm, serviceName: "swarm"),
                .init(service: parts.cluster, serviceName: "cluster"),
                .init(service: parts.linkServer, serviceName: "link"),
                .init(service: LibraryWatch(library: parts.library), serviceName: "library watch"),
                .init(service: HubConnections(hub: parts.downloads.hub), serviceName: "hub"),
                .init(service: parts.downloads.queue, serviceName: "downloads"),
                .init(
                    service: ComingShardsWatch(
                        shards: parts.coming, queue: parts.downloads.queue, inference: parts.inference),
                    serviceName: "downloads watch"),
                .init(service: parts.keeper, serviceName: "keeper"),
                .init(service: upkeep, serviceName: "accounts"),
                .init(service: LoRAUpkeep(library: parts.loras), serviceName: "loras"),
                .init(service: parts.training, serviceName: "training"),
                .init(service: announcement, serviceName: "announcement"),
                .init(
                    service: shutdown, successTerminationBehavior: .gracefullyShutdownGroup, serviceName: "shutdown"),
                .init(service: server, serviceName: "http"),
            ],
            gracefulShutdownSignals: [.sigterm, .sigint], logger: Logger(label: "services"))
        configuration.maximumGracefulShutdownDuration = shutdownLimit
        configuration.maximumCancellationDuration = cancellationLimit
        try await ServiceGroup(configuration: configuration).run()
        logger.info("stopped")
    }

    /// The parts of a node that hold state, made but not running yet.
    struct Parts: Sendable {
        let settings: Settings
        let directory: DataDirectory
        let machine: Machine
        let memoryBandwidth: LazyMeasurement<Double>
        let library: ModelLibrary
        let swarm: SwarmService
        let inference: InferenceService
        let shardServer: ShardServer
        let downloads: DownloadParts
        let coming = ComingShards()
        let keeper: ShardKeeper
        let acquirer: ModelAcquirer
        let reputation: PeerReputation
        let linkServer: LinkServer
        let accounts: AccountServices
        let loras: LoRALibrary
        let training: TrainingService
        let cluster: ClusterMaster

        init(settings: Settings, directory: DataDirectory, logger: Logger) async throws {
            self.settings = settings
            self.directory = directory
            machine = await Machine.read()
            memoryBandwidth = LazyMeasurement {
                [program = EngineProgram(binary: settings.engine.binary, limit: .seconds(5)), logger] in
                await program.memoryBandwidth(logger: logger)
            }
            let events = EventBus()
            let store = try Store(path: directory.database)
            accounts = try AccountServices(store: store, keyPath: directory.jwtKey)
            loras = try LoRALibrary(
                dataDirectory: directory.path, store: store,
                maximumFileBytes: UInt64(settings.loras.maximumUploadMegabytes) << 20,
                space: LoRASpaceLimits(
                    totalBytes: settings.loras.maximumTotalMegabytes == 0
                        ? nil : UInt64(settings.loras.maximumTotalMegabytes) << 20,
                    reserveBytes: UInt64(settings.loras.minimumFreeMegabytes) << 20))
            training = try await Self.training(
                settings, directory: directory, accounts: accounts, store: store, events: events)
            let identity = try NodeIdentity.loadOrCreate(path: directory.identityKey)
            let key = try Self.swarmKey(settings, directory: directory, store: store, me: identity.id)
            let credentials = try CurrentCredentials(LinkCredentials(identity: identity, swarm: key))
            library = try await ModelLibrary.open(
                directory: directory.models, store: store, events: events, logger: Logger(label: "library"))
            swarm = try SwarmService(
                identity: identity, credentials: credentials,
                record: machine.record(of: settings.node, id: identity.id),
                swarmKeyPath: directory.swarmKey, store: store, events: events, logger: Logger(label: "swarm"))
            let records = try ModelRecords(store: store, logger: Logger(label: "records"))
            inference = InferenceService(
                settings: try NodeDaemon.inferenceSettings(settings, directory: directory), library: library,
                membership: swarm, credentials: credentials, events: events,
                hooks: Self.inferenceHooks(records: records, coming: coming), logger: Logger(label: "inference"))
            let promises = ShardPromises()
            reputation = try PeerReputation(store: store, logger: Logger(label: "exchange"))
            shardServer = ShardServer(
                library: library, promises: promises,
                bandwidth: BandwidthLimit(bytesPerSecond: settings.resources.maximumBandwidthBytes),
                logger: Logger(label: "exchange"))
            downloads = try DownloadParts(
                settings: settings, library: library, store: store, events: events, swarm: swarm, inference: inference,
                records: records, reputation: reputation)
            keeper = ShardKeeper(
                settings: KeeperSettings(settings, memoryBytes: inference.memoryBudgetBytes), library: library,
                membership: swarm, records: records, promises: promises,
                surroundings: Self.keeperSurroundings(
                    settings, library: library, swarm: swarm, inference: inference, shardServer: shardServer,
                    downloads: downloads),
                planner: AutoManagePlanner(
                    rules: .init(pruneCooldownSeconds: settings.autoManage.pruneCooldown / .seconds(1))),
                events: events, logger: Logger(label: "keeper"))
            acquirer = ModelAcquirer(
                library: library, queue: downloads.queue, keeper: keeper, suppliers: downloads.suppliers,
                hub: downloads.hubModels, sources: downloads.sources)
            guard let address = LinkAddress(host: settings.swarm.host, port: settings.swarm.port) else {
                throw NodeError(
                    .cannotListen,
                    "swarm.host “\(settings.swarm.host)” is no address to listen on; use an IP address or localhost")
            }
            cluster = try ClusterMaster(store: store, me: identity.id, logger: Logger(label: "cluster"))
            let service = SwarmNodeService(swarm: swarm, requests: inference.nodeRequests, shards: shardServer)
            linkServer = try LinkServer(
                network: address, credentials: credentials, services: [service, cluster.service],
                shards: service.linkShards, workers: cluster.gate, limits: .betweenNodes, gracePeriod: .seconds(1),
                logger: Logger(label: "link"))
            logger.info(
                "starting",
                metadata: [
                    "node": "\(identity.id)", "version": "\(NodeVersion.current)", "data": "\(directory.path)",
                    "swarm": "\(key.fingerprint)",
                ])
        }

        private static func swarmKey(
            _ settings: Settings, directory: DataDirectory, store: Store, me: NodeID
        ) throws -> SwarmKey {
            guard let code = settings.swarm.joinCode else { return try SwarmKey.loadOrCreate(path: directory.swarmKey) }
            return try SwarmAdoption.adopt(Invite(code: code), keyPath: directory.swarmKey, store: store, me: me)
        }
    }

    private static func httpConfiguration(
        _ settings: Settings, directory: DataDirectory
    ) throws -> HTTPAPIConfiguration {
        let api = settings.api
        return HTTPAPIConfiguration(
            host: api.host, port: api.port, apiKey: try api.key ?? APIKeyFile.loadOrCreate(in: directory),
            openReads: api.openReads, metricsRequireKey: api.metricsNeedKey,
            rateLimits: RateLimits(
                administrationPerMinute: api.adminRequestsPerMinute,
                inferencePerMinute: api.inferenceRequestsPerMinute, includesLoopback: api.limitsLoopback),
            bodyLimitBytes: api.bodyLimitMegabytes << 20,
            bodies: RequestBodies(onEnd: { Allocator.giveBack() }),
            shares: ShareWeights(
                users: settings.inference.userWeight, administrators: settings.inference.administratorWeight,
                nodeKey: settings.inference.nodeKeyWeight, named: settings.inference.weights),
            machineFolders: [
                directory.path, settings.files.root, settings.engine.binary.directory,
                FileManager.default.homeDirectoryForCurrentUser.path(percentEncoded: false).withoutLastSlash,
            ],
            requestTimeout: api.requestTimeout, shutdownGracePeriod: .seconds(4),
            trustedProxies: api.trustedProxies, connections: ConnectionLimits(openFiles: OpenFiles.raiseLimit()))
    }

    static func inferenceSettings(
        _ settings: Settings, directory: DataDirectory
    ) throws -> InferenceSettings {
        let engine = settings.engine
        var inference = InferenceSettings(socketDirectory: try socketDirectory(directory))
        inference.engineBinary = engine.binary
        inference.engineListenHost = settings.swarm.host
        inference.contextLength = engine.contextLength
        inference.cacheCells = engine.cacheCells == 0 ? nil : engine.cacheCells
        let memory = settings.resources.maximumMemoryMegabytes
        inference.memoryBudgetBytes = memory == 0 ? nil : UInt64(memory) << 20
        inference.maximumSequences = engine.maximumSequences
        inference.chunkLength = engine.chunkLength
        inference.threads = engine.threads
        inference.gpuLayers = engine.gpuLayers
        inference.weightLayout = engine.weightLayout.rawValue
        inference.maximumGenerations = settings.inference.maximumConcurrentRequests
        inference.callerPercent = settings.inference.callerPercent
        inference.busyLimit = settings.inference.busyLimit
        return inference
    }

    /// The data directory's own folder for sockets, or one under the system's temporary directory when that path is too
    /// long for a socket.
    private static func socketDirectory(_ directory: DataDirectory) throws -> String {
        guard directory.sockets.utf8.count > longestSocketFolder else { return directory.sockets }
        let name = "shoal-\(UInt64.random(in: .min ... .max))"
        let path = FileManager.default.temporaryDirectory.path(percentEncoded: false) + name
        guard path.utf8.count <= longestSocketFolder else { return "/tmp/\(name)" }
        return path
    }

    /// The host to reach a listener on this machine by.
    private static func shownHost(_ host: String) -> String {
        switch host {
        case "0.0.0.0", "::", "localhost": "127.0.0.1"
        default: host.contains(":") ? "[\(host)]" : host
        }
    }
}

extension String {
    /// The folder that a path's last component is in.
    fileprivate var directory: String { lastIndex(of: "/").map { String(self[..<$0]) } ?? "" }

    fileprivate var withoutLastSlash: String { hasSuffix("/") ? String(dropLast()) : self }
}

/// Looks once at everything in the library, and from then on for what other processes import beside the node.
struct LibraryWatch: Service {
    let library: ModelLibrary

    func run() async throws {
        await cancelWhenGracefulShutdown {
            do {
                // What a killed process left half-touched is verified, what was put there by hand taken in.
                try await library.rescan()
            } catch is CancellationError {
                return
            } catch {
                Logger(label: "library").error("cannot look through the models", metadata: ["reason": "\(error)"])
            }
            await library.watch()
        }
    }
}

/// Tells others where the node is reached, as soon as it is: the command line through the run record, the swarm through
/// this node's own record.
private final class Announcement: Service {
    private let directory: DataDirectory
    private let parts: NodeDaemon.Parts
    private let record: Mutex<RunRecord>

    init(directory: DataDirectory, parts: NodeDaemon.Parts) {
        self.directory = directory
        self.parts = parts
        record = Mutex(
            RunRecord(
                processID: ProcessInfo.processInfo.processIdentifier, url: "", swarmPort: nil,
                version: NodeVersion.current))
    }

    func listening(at url: String) {
        update { $0.url = url }
    }

    func run() async throws {
        // A listener that cannot start ends its own service with the reason.
        if let port = try? await parts.linkServer.port {
            let swarm = parts.settings.swarm
            parts.swarm.listening(
                host: swarm.host, port: port, advertised: swarm.advertisedAddresses.compactMap { LinkAddress($0) })
            update { $0.swarmPort = port }
        }
        // Requests that came with the start are answered by then.
        try? await cancelWhenGracefulShutdown { try await Task.sleep(for: .seconds(1)) }
        StartupPages.release()
        try await gracefulShutdown()
    }

    private func update(_ change: (inout RunRecord) -> Void) {
        record.withLock { record in
            change(&record)
            guard !record.url.isEmpty else { return }
            do {
                try record.write(in: directory)
            } catch {
                Logger(label: "shoal").error(
                    "cannot write the run record: commands will not find this node by its data directory",
                    metadata: ["path": "\(directory.runRecord)", "reason": "\(error)"])
            }
        }
    }
}
