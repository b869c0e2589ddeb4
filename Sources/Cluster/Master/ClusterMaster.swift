package import GRPCCore
package import Identifiers
package import Link
package import Logging
import ServiceLifecycle
package import Store
import SwiftProtobuf
import Synchronization
package import Timing

/// The master of a cluster: who works for it, and what they do.
///
/// Every node is one; without a token nobody can join. What happens is decided by ``ClusterRegistry``; this class has the streams, the
/// clock and the database.
package final class ClusterMaster: Service {
    /// How often it looks for workers and jobs that fell silent, and jobs that nobody took.
    private static let watchInterval: Duration = .seconds(1)
    /// How often it writes down when workers were last seen. A heartbeat by itself writes nothing.
    private static let saveInterval: Duration = .seconds(60)

    struct State {
        var registry: ClusterRegistry
        var streams: [ClusterRegistry.SessionID: WorkerStream] = [:]
        var attempts: [ClusterRegistry.JobID: JobAttempt] = [:]
    }

    package let tokens: ClusterTokens
    /// What the listener asks about callers that come with a token.
    package let gate: WorkerGate
    let clock: NodeClock
    let logger: Logger
    let rules: ClusterRegistry.Rules
    let state: Mutex<State>
    private let table: NodeTable
    private let started: Duration
    private let (changes, changed) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))

    /// - Throws: `StoreError`, `ClusterError` with `damaged`.
    package convenience init(
        store: Store, me: NodeID, clock: NodeClock = .system, logger: Logger
    ) throws {
        try self.init(store: store, me: me, rules: ClusterRegistry.Rules(), clock: clock, logger: logger)
    }

    init(store: Store, me: NodeID, rules: ClusterRegistry.Rules, clock: NodeClock, logger: Logger) throws {
        let tokens = try ClusterTokens(store: store, master: me, clock: clock)
        var registry = ClusterRegistry(rules: rules)
        table = try NodeTable(store: store)
        try table.restore(into: &registry)
        self.tokens = tokens
        self.clock = clock
        self.logger = logger
        self.rules = rules
        gate = WorkerGate { tokens.standing($0) }
        state = Mutex(State(registry: registry))
        started = clock.now()
    }

    /// What the node's listener serves to workers.
    package var service: some RegistrableRPCService { ClusterService(master: self) }

    // MARK: - Running

    package func run() async throws {
        await cancelWhenGracefulShutdown {
            await withDiscardingTaskGroup { group in
                group.addTask { await self.watch() }
                group.addTask { for await _ in self.changes { await self.save() } }
            }
        }
        for (_, stream) in state.withLock({ $0.streams }) { stream.end(.stopping) }
        state.withLock { $0.registry.markSeen() }
        // A task of its own, because writing is not to be cancelled with this one.
        await Task { await save() }.value
    }

    private func watch() async {
        var saved = clock.now()
        while (try? await clock.sleep(Self.watchInterval)) != nil {
            tick()
            guard clock.now() - saved >= Self.saveInterval else { continue }
            saved = clock.now()
            state.withLock { state in
                state.registry.markSeen()
                state.registry.forget(at: clock.date())
            }
            recordsChanged()
        }
    }

    /// Ends what took too long.
    func tick() {
        let now = clock.now()
        let (lost, ignored, attempts) = state.withLock { state in
            (
                state.registry.lost(at: now).compactMap { state.streams[$0] },
                state.registry.ignored(at: now).compactMap { state.attempts[$0] }, state.attempts.values
            )
        }
        for stream in lost { stream.end(.lost) }
        for attempt in ignored { attempt.pipe.finish(JobAttempt.Lost(reason: "it did not take the job in time")) }
        for attempt in attempts where attempt.pipe.drought(at: now) >= rules.jobSilence {
            attempt.pipe.finish(JobAttempt.Lost(reason: "it said nothing of the job for too long"))
        }
    }

    /// Has the records that changed written down soon.
    func recordsChanged() { changed.yield() }

    /// Writes down what has changed since it was last written.
    func save() async {
        var (forgotten, records) = state.withLock { ($0.registry.takeForgotten(), $0.registry.takeChanged()) }
        do {
            // First, because a node that was forgotten may have come back.
            try await table.forget(forgotten)
            forgotten = [:]
            try await table.save(records)
            records = [:]
            try tokens.save()
        } catch {
            state.withLock { [forgotten, records] state in
                state.registry.keepForgotten(forgotten)
                state.registry.keepChanged(records.keys)
            }
            // The node stops: they are written down once more then.
            if error is CancellationError { return }
            logger.error(
                "the cluster's counters cannot be kept: after a restart they may be behind",
                metadata: ["reason": "\(error)"])
        }
    }

    // MARK: - What there is

    /// Connected nodes, and those that were lately, by host name.
    package func nodes() -> [ClusterNode] {
        let tokens = Dictionary(uniqueKeysWithValues: tokens.list().map { ($0.id, $0) })
        return state.withLock { $0.registry.summaries(tokens: tokens, at: clock.now(), date: clock.date()) }
    }

    /// Connected workers.
    package func clients() -> [ClusterClient] { state.withLock { $0.registry.clients() } }

    package func statistics() -> MasterStatistics {
        state.withLock { $0.registry.statistics(uptime: clock.now() - started, date: clock.date()) }
    }

    /// Models that workers can run.
    func models() -> [(model: WorkerModel, nodes: [NodeID])] { state.withLock { $0.registry.models() } }

    /// Whether a worker could be given a job of this model.
    func serves(_ model: String) -> Bool { state.withLock { $0.registry.serves(model) } }

    /// Whether a worker had this model a short while ago, and none has it now.
    func misses(_ model: String) -> Bool {
        state.withLock { $0.registry.misses(model, at: clock.date()) }
    }

    // MARK: - Administration

    /// Ends a token: its workers are cut off at once, and cannot come back.
    ///
    /// - Throws: `ClusterError` with `tokenNotFound`; `StoreError` where it could not be written down: its workers are cut off all the same, until
    ///   the next start.
    package func revoke(
        _ id: ClusterTokenID, note: ChangeNote<ClusterTokenRecord> = .none
    ) async throws -> ClusterTokenRecord {
        let record = try tokens.suspend(id)
        let streams = state.withLock { state in
            state.registry.sessions(of: id).compactMap { state.streams[$0] }
        }
        for stream in streams { stream.end(.revoked) }
        gate.disconnect(record.key)
        try await tokens.keepRevoked(record, note: note)
        return record
    }

    /// Prefers a driver on the nodes of a host name and token, now and whenever they connect.
    ///
    /// - Parameters:
    ///   - driver: nil for whatever there is.
    ///   - token: the whole token, or the form that lists show.
    /// - Throws: `ClusterError` with `nodeNotFound`; `StoreError`.
    /// - Returns: the token that it was.
    @discardableResult
    package func setDriver(
        _ driver: GPUDriver?, hostname: String, token: String, note: ChangeNote<ClusterTokenRecord> = .none
    ) async throws -> ClusterTokenRecord {
        guard let name = Hostname(hostname), let record = tokens.find(text: token),
            state.withLock({ $0.registry.setDriver(driver, hostname: name, token: record.id) }) != nil
        else {
            throw ClusterError(
                .nodeNotFound,
                "no cluster node of that host name has joined with that token; list the cluster's nodes")
        }
        let key = ClusterRegistry.DriverKey(token: record.id, hostname: name)
        do {
            // Whatever is preferred by the time that it is written: of several at once the last one stays everywhere.
            try await table.saveDriver(of: key) {
                self.state.withLock { $0.registry.drivers[key] }
            } alongWith: {
                try note.write(record, $0)
            }
        } catch {
            let kept = try table.driver(of: key)
            state.withLock { $0.registry.restoreDriver(kept, of: key) }
            throw error
        }
        state.withLock { state in
            for (session, driver) in state.registry.sessions(preferring: key) {
                state.streams[session]?.post(.with { $0.setDriver.driver = driver?.rawValue ?? "" })
            }
        }
        return record
    }
}
