import BLAKE3
import Events
import Exchange
import Foundation
import GGUF
import Identifiers
import Link
import Logging
import ModelLibrary
import ShoalTestSupport
import Store
import Swarm
import Synchronization
import Timing

@testable import Acquisition

/// A swarm that a test makes up.
final class ScriptedMembership: Membership {
    private struct State {
        var record = NodeRecord()
        var peers: [Peer] = []
    }

    let me: NodeID
    private let state = Mutex(State())

    init(me: NodeID) { self.me = me }

    var ownRecord: NodeRecord { state.withLock { $0.record } }
    func publish(_ update: (inout NodeRecord) -> Void) { state.withLock { update(&$0.record) } }
    func peers() -> [Peer] { state.withLock { $0.peers } }
    func set(_ peers: [Peer]) { state.withLock { $0.peers = peers } }
    func changes() -> AsyncStream<SwarmChange> { AsyncStream { $0.finish() } }

    func channel(to id: NodeID) async throws(LinkError) -> LinkChannel {
        throw LinkError(.unreachable, "no node of a scripted swarm is reached")
    }

    func inviteCode() throws(SwarmError) -> String { throw SwarmError(.notListening, "nobody listens") }

    func join(code: String) async throws(SwarmError) -> Multiaddress {
        throw SwarmError(.notListening, "nobody listens")
    }
}

/// A clock that stands still until it is told to go on; who sleeps by it wakes then.
final class CalendarClock: Sendable {
    private struct State {
        var offset: Duration = .zero
        /// How far the calendar is set away from what has passed.
        var calendarOffset: Duration = .zero
        var sleepers: [Int: (until: Duration, continuation: CheckedContinuation<Void, any Error>)] = [:]
        var next = 0
    }

    private let state = Mutex(State())

    var date: Date {
        state.withLock { start.addingTimeInterval(($0.offset + $0.calendarOffset) / .seconds(1)) }
    }

    /// Those who sleep.
    var sleeperCount: Int { state.withLock { $0.sleepers.count } }

    func advance(by duration: Duration) {
        let woken = state.withLock { state in
            state.offset += duration
            let due = state.sleepers.filter { $0.value.until <= state.offset }
            for key in due.keys { state.sleepers[key] = nil }
            return due.values.map(\.continuation)
        }
        for continuation in woken { continuation.resume() }
    }

    /// Sets the calendar, as an operator or a time server does.
    func setCalendar(_ duration: Duration) { state.withLock { $0.calendarOffset = duration } }

    private func sleep(_ duration: Duration) async throws {
        let key = state.withLock { state in
            state.next += 1
            return state.next
        }
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                let isCancelled = state.withLock { state in
                    guard !Task.isCancelled else { return true }
                    state.sleepers[key] = (state.offset + duration, continuation)
                    return false
                }
                if isCancelled { continuation.resume(throwing: CancellationError()) }
            }
        } onCancel: {
            state.withLock { $0.sleepers.removeValue(forKey: key) }?.continuation.resume(throwing: CancellationError())
        }
    }

    /// This clock as the swarm takes it.
    var nodeClock: NodeClock {
        var clock = NodeClock(ContinuousClock(), date: { self.date })
        clock.now = { self.state.withLock { $0.offset } }
        clock.sleep = { try await self.sleep($0) }
        return clock
    }
}

/// What the keeper asked for, and what it gets for an answer.
final class ScriptedSurroundings: Sendable {
    struct Script {
        var fetched: [String] = []
        var asked: [String] = []
        var learned: [ModelID] = []
        var applied: [String] = []
        var published = 0
        var fetchFailure: AcquisitionError?
        var downloading: [ModelID: Set<ShardIndex>] = [:]
        var loaded: Set<ShardIndex> = []
        var inUse: Set<ShardIndex> = []
        var confirms = true
    }

    private let script = Mutex(Script())

    var now: Script { script.withLock { $0 } }
    func set(_ change: (inout Script) -> Void) { script.withLock { change(&$0) } }

    /// - Parameters:
    ///   - confirm: asked in place of the script.
    ///   - meanwhile: called after a confirmation was given.
    func surroundings(
        confirm: (@Sendable (NodeID, ModelID, ShardIndex) async throws -> Bool)? = nil,
        meanwhile: @escaping @Sendable () async throws -> Void = {}
    ) -> ShardKeeper.Surroundings {
        var surroundings = ShardKeeper.Surroundings()
        surroundings.fetch = { model, shards in
            try self.script.withLock { script in
                if let failure = script.fetchFailure { throw failure }
                script.fetched += shards.map { "\(model):\($0)" }
                script.downloading[model, default: []].formUnion(shards)
            }
        }
        surroundings.downloading = { self.now.downloading }
        surroundings.confirm = { node, model, shard in
            self.set { $0.asked.append("\(node.bytes[0]) \(model):\(shard)") }
            let isConfirmed =
                if let confirm { try await confirm(node, model, shard) } else { self.now.confirms }
            try await meanwhile()
            return isConfirmed
        }
        surroundings.learn = { model in self.set { $0.learned.append(model) } }
        surroundings.loadedShards = { _ in self.now.loaded }
        surroundings.isInUse = { _, shard in self.now.inUse.contains(shard) }
        surroundings.applyContribution = { level, prune in
            self.set { $0.applied.append("\(level) \(prune)") }
        }
        surroundings.republish = { self.set { $0.published += 1 } }
        return surroundings
    }
}

/// A node with a library of its own in a swarm that is made up.
struct KeeperFixture {
    static let model = "tiny"
    static let shardSizeBytes: UInt64 = 40_000

    let folder: String
    let store: Store
    let clock = CalendarClock()
    let events = EventBus()
    let membership: ScriptedMembership
    let library: ModelLibrary
    let records: ModelRecords
    let script = ScriptedSurroundings()

    var id: ModelID { ModelID(Self.model)! }

    /// - Parameter shards: those of the model that are here; nil: all; empty: the model is not known here.
    init(folder: String, me: NodeID, shards: Set<ShardIndex>? = nil) async throws {
        self.folder = folder
        store = try Store(path: folder + "/db")
        membership = ScriptedMembership(me: me)
        library = try await ModelLibrary.open(
            directory: folder + "/models", store: store, events: events, logger: .quiet)
        records = try quietRecords(store)
        guard shards?.isEmpty != true else { return }
        let path = folder + "/\(Self.model).gguf"
        try Self.write(to: path)
        try await library.importFile(path: path, shards: shards, shardSizeBytes: Self.shardSizeBytes)
    }

    /// Six layers, cut into six shards or so.
    private static func write(to path: String) throws {
        var writer = GGUFWriter()
        writer.set("general.architecture", to: .string("llama"))
        writer.set("general.name", to: .string("Tiny"))
        writer.set("llama.block_count", to: .uint32(6))
        writer.set("llama.embedding_length", to: .uint32(64))
        writer.set("llama.attention.head_count", to: .uint32(8))
        let values = (0..<64 * 160).map { Float($0 % 97) }
        for layer in 0..<6 {
            try writer.add(tensor: "blk.\(layer).ffn_up.weight", dimensions: [64, 160], values: values)
        }
        try writer.write(to: path)
    }

    func keeper(
        settings change: (inout KeeperSettings) -> Void = { _ in }, promises: ShardPromises? = nil,
        surroundings: ShardKeeper.Surroundings? = nil, timeZone: TimeZone = .gmt
    ) -> ShardKeeper {
        var settings = KeeperSettings(limits: AutoManageSettings(maximumDiskBytes: 1 << 40), contribution: .maximum)
        change(&settings)
        return ShardKeeper(
            settings: settings, library: library, membership: membership, records: records,
            promises: promises ?? ShardPromises(clock: clock.nodeClock),
            surroundings: surroundings ?? script.surroundings(), events: events, clock: clock.nodeClock,
            timeZone: { timeZone }, logger: .quiet)
    }

    /// A healthy peer on the local network that says it holds these shards of the model.
    func peer(_ number: UInt8, shards: [Int], _ change: (inout NodeRecord) -> Void = { _ in }) async throws -> Peer {
        let known = try? await library.model(id)
        var held = HeldModel(id)
        held.manifestHash = known?.manifestHash
        held.shardCount = known?.manifest.shards.count ?? 6
        held.shards = Set(shards.compactMap { ShardIndex($0) })
        var record = NodeRecord()
        record.models = [held]
        change(&record)
        return Peer(
            id: try node(number), record: record, host: "192.168.1.\(number)", connectedSince: clock.date,
            lastSeen: clock.date, healthy: true)
    }

    /// What was told, by kind.
    func told(_ kind: String) -> [NodeEvent] { events.history.filter { $0.kind == kind } }

    var held: Set<ShardIndex> {
        get async throws { try await library.model(id).held }
    }
}

extension KeeperFixture {
    /// Makes every shard here one that could be given up: held for two hours, with a publisher, and on eight peers.
    func makeSurplus(_ keeper: ShardKeeper) async throws {
        try await keeper.setOrigin(ModelOrigin(repository: "owner/name", file: "tiny.gguf"), of: id)
        await keeper.turn()
        clock.advance(by: .seconds(7200))
        let count = try await library.model(id).manifest.shards.count
        var peers: [Peer] = []
        for number in 2..<10 { peers.append(try await peer(UInt8(number), shards: Array(0..<count))) }
        membership.set(peers)
    }
}

/// Runs `body` with a node of that number.
func withKeeperFixture(
    node number: UInt8 = 1, shards: [Int]? = nil, _ body: (KeeperFixture) async throws -> Void
) async throws {
    try await withTemporaryFolder { folder in
        try await body(
            KeeperFixture(
                folder: folder, me: node(number), shards: try shards.map { Set(try $0.map(shard)) }))
    }
}
