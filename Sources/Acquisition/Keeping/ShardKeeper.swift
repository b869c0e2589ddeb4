package import Events
package import Exchange
package import FoundationEssentials
import Identifiers
import Link
package import Logging
package import ModelLibrary
import ServiceLifecycle
package import Swarm
package import Timing

/// Sees to it that this node holds the shards that it should: looks at the swarm now and then, has missing shards fetched,
/// and gives up those that others hold often enough.
///
/// What is to be done is decided by ``AutoManagePlanner``; this service gathers what it decides by, and carries it out. It
/// also keeps to the ``ResourceSchedule``, and takes what operators decide about models.
package actor ShardKeeper: Service {
    /// Requests are written down together when they come in quick succession.
    private static let requestPause: Duration = .seconds(5)
    /// Clocks are set and machines sleep: the schedule is looked at again after this long at the latest.
    private static let scheduleCheck: Duration = .seconds(60)

    let library: ModelLibrary
    let membership: any Membership
    package nonisolated let records: ModelRecords
    /// What peers are promised; for whoever answers their questions.
    package nonisolated let promises: ShardPromises
    let surroundings: Surroundings
    let planner: AutoManagePlanner
    let events: EventBus
    let clock: NodeClock
    let timeZone: @Sendable () -> TimeZone
    let logger: Logger
    let wake = AsyncStream<Void>.makeStream(bufferingPolicy: .bufferingNewest(1))

    var settings: KeeperSettings
    /// What is in force; nil before the first look at the clock.
    var inForce: InForce?
    /// What was published last about a model or shard, so that it is not published again.
    var lastPublished: [Topic: String] = [:]
    /// The requests that peers told of last.
    var demandOfPeers: [NodeID: [ModelID: Int]] = [:]
    /// The shard whose deletion can no longer be stopped.
    var deleting: ShardName?
    private var isTurning = false
    private var hasAnotherTurn = false

    /// What the hour brings.
    struct InForce: Equatable {
        var contribution: ContributionLevel
        var pruneAggressiveness: PruneAggressiveness
    }

    struct ShardName: Hashable {
        var model: ModelID
        var shard: ShardIndex
    }

    /// - Parameters:
    ///   - promises: what whoever answers peers' questions promises with.
    ///   - timeZone: where the schedule's hours are.
    package init(
        settings: KeeperSettings, library: ModelLibrary, membership: any Membership, records: ModelRecords,
        promises: ShardPromises = ShardPromises(), surroundings: Surroundings,
        planner: AutoManagePlanner = AutoManagePlanner(), events: EventBus, clock: NodeClock = .system,
        timeZone: @escaping @Sendable () -> TimeZone = { .autoupdatingCurrent },
        logger: Logger = Logger(label: "keeper")
    ) {
        self.settings = settings
        self.library = library
        self.membership = membership
        self.records = records
        self.promises = promises
        self.surroundings = surroundings
        self.planner = planner
        self.events = events
        self.clock = clock
        self.timeZone = timeZone
        self.logger = logger
    }

    // MARK: - Running

    package func run() async throws {
        if surroundings.fetch == nil {
            logger.warning("this node cannot fetch shards: what it lacks, it goes on lacking")
        }
        removeLeftovers()
        await applySchedule()
        await cancelWhenGracefulShutdown {
            await withDiscardingTaskGroup { group in
                group.addTask { await self.takeTurns() }
                group.addTask { await self.wakeRegularly() }
                group.addTask { await self.followSchedule() }
                group.addTask { await self.followRequests() }
                group.addTask { await self.followLibrary() }
            }
        }
    }

    /// Has the node look at what it should hold soon, and not only when it is time.
    package nonisolated func runNow() {
        wake.continuation.yield()
    }

    private func takeTurns() async {
        for await _ in wake.stream { await turn() }
    }

    /// Has a turn taken after a while, and then at each interval.
    private func wakeRegularly() async {
        do {
            try await clock.sleep(settings.firstTurn)
            while !Task.isCancelled {
                runNow()
                try await clock.sleep(settings.interval)
            }
        } catch {}
    }

    private func followSchedule() async {
        while !Task.isCancelled {
            let pause = min(timeUntilChange ?? Self.scheduleCheck, Self.scheduleCheck)
            guard (try? await clock.sleep(pause)) != nil else { break }
            await applySchedule()
        }
    }

    private func followRequests() async {
        for await _ in records.requestsWaiting {
            await takeRequests()
            guard (try? await clock.sleep(Self.requestPause)) != nil else { break }
        }
        await takeRequests()
    }

    private func followLibrary() async {
        for await _ in library.changes() { await reconcile() }
    }

    // MARK: - A turn

    /// Looks at what this node should hold, and does what follows from it. A turn that is asked for during another one
    /// comes after it.
    package func turn() async {
        guard !isTurning else {
            hasAnotherTurn = true
            return
        }
        isTurning = true
        defer { isTurning = false }
        repeat {
            hasAnotherTurn = false
            await takeTurn()
        } while hasAnotherTurn && !Task.isCancelled
    }

    private func takeTurn() async {
        await takeRequests()
        await reconcile()
        await applySchedule()
        await takeOverFromPeers()
        await learnModels()
        let snapshot = await snapshot()
        noteHolders(in: snapshot)
        let decision = planner.decide(snapshot)
        publish(decision.passedOver)
        await fetch(decision.fetches)
        for prune in decision.prunes where !Task.isCancelled { await carryOut(prune, names: snapshot.names) }
        publishDemand()
    }
}

extension AutoManageSnapshot {
    /// What people call the models.
    var names: [ModelID: String] { Dictionary(models.map { ($0.id, $0.name) }) { first, _ in first } }
}
