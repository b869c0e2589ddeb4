import Foundation
import Identifiers
import Link
import Logging
import ShoalTestSupport
import Store
import Synchronization
import Testing
import Timing

@testable import Cluster

/// A registry, and the time that it is told.
private struct Scene {
    var registry: ClusterRegistry
    var now: Duration = .seconds(1000)
    var date = Date(timeIntervalSince1970: 1_700_000_000)

    init(rules: ClusterRegistry.Rules = .init()) { registry = ClusterRegistry(rules: rules) }

    mutating func pass(_ time: Duration) {
        now += time
        date += time / .seconds(1)
    }

    /// Connects a worker; `number` names its node.
    @discardableResult
    mutating func connect(
        _ number: UInt8, token: Int64 = 1, hostname: String? = nil, weight: Int = 100, models: [String] = ["tiny"]
    ) throws -> ClusterRegistry.Opening {
        let opening = registry.connected(
            NodeID.number(number), token: ClusterTokenID(stored: token),
            as: .sample(hostname: hostname ?? "worker\(number)", weight: weight, models: models),
            address: "10.0.0.\(number)", at: now, date: date)
        return try #require(opening)
    }

    /// Gives a job to a worker, if there is one for it.
    mutating func give(_ model: String = "tiny", tried: Set<NodeID> = []) -> (
        job: ClusterRegistry.JobID, session: ClusterRegistry.SessionID
    )? {
        registry.assign(model: model, tried: tried, at: now)
    }

    mutating func assign(_ model: String = "tiny", tried: Set<NodeID> = []) throws -> ClusterRegistry.JobID {
        let given = give(model, tried: tried)
        return try #require(given).job
    }

    var statistics: MasterStatistics { registry.statistics(uptime: now, date: date) }

    func nodes() -> [ClusterNode] {
        let tokens = Dictionary(
            uniqueKeysWithValues: ([1, 2, 3] as [Int64]).map {
                (ClusterTokenID(stored: $0), ClusterTokenRecord.sample($0))
            })
        return registry.summaries(tokens: tokens, at: now, date: date)
    }

    func node(_ number: UInt8) -> ClusterNode? { nodes().first { $0.node == .number(number) } }
}

@Suite("What a master knows of its workers")
struct RegistryTests {
    @Test("A worker that joins is connected, and recently disconnected when it goes")
    func connection() throws {
        var scene = Scene()
        let session = try scene.connect(1).session
        scene.pass(.seconds(12))
        scene.registry.heard(session, at: scene.now, date: scene.date)
        let connected = try #require(scene.node(1))
        #expect(connected.isConnected)
        #expect(connected.uptime == .seconds(12))
        #expect(connected.lastSeen == scene.date)
        #expect(connected.workersAvailable == 1)
        #expect(scene.statistics.connectedNodes == 1)
        let outcome1 = scene.registry.closed(session, date: scene.date)
        #expect(outcome1.isEmpty)
        scene.pass(.seconds(3600))
        let gone = try #require(scene.node(1))
        #expect(!gone.isConnected)
        #expect(gone.uptime == .zero)
        #expect(gone.workersAvailable == 0)
        #expect(
            scene.statistics
                == MasterStatistics(
                    totalNodes: 1, connectedNodes: 0, totalWorkers: 0, activeJobs: 0, completedJobs: 0,
                    uptime: scene.now))
    }

    @Test("A worker is lost when its heartbeats fail to come, and not before")
    func lost() throws {
        var scene = Scene()
        let first = try scene.connect(1).session
        let second = try scene.connect(2).session
        scene.pass(.seconds(14.9))
        #expect(scene.registry.lost(at: scene.now).isEmpty)
        scene.registry.heard(second, at: scene.now, date: scene.date)
        scene.pass(.seconds(0.1))
        #expect(scene.registry.lost(at: scene.now) == [first])
    }

    @Test("A node that is gone is shown for a day, and kept for a month with what it did")
    func forgetting() throws {
        var scene = Scene()
        let session = try scene.connect(1).session
        let job = try scene.assign()
        scene.registry.ended(job, isCompleted: true)
        _ = scene.registry.closed(session, date: scene.date)
        scene.pass(.seconds(86_399))
        #expect(scene.nodes().count == 1)
        scene.pass(.seconds(2))
        #expect(scene.nodes().isEmpty)
        #expect(scene.statistics.totalNodes == 0)
        scene.registry.forget(at: scene.date)
        let outcome2 = scene.registry.takeForgotten()
        #expect(outcome2.isEmpty)
        scene.pass(.seconds(30 * 86_400))
        scene.registry.forget(at: scene.date)
        let outcome3 = scene.registry.takeForgotten()
        #expect(outcome3.count == 1)
        #expect(scene.registry.nodes.isEmpty)
        #expect(scene.statistics.completedJobs == 1)
    }

    @Test("A node that calls anew takes its own place; its jobs go to others")
    func replaced() throws {
        var scene = Scene()
        let first = try scene.connect(1).session
        let job = try scene.assign()
        scene.pass(.seconds(5))
        let opening = try scene.connect(1)
        #expect(opening.replaced == first)
        #expect(opening.abandoned == [job])
        #expect(scene.nodes().count == 1)
        #expect(try #require(scene.node(1)).uptime == .zero)
        // What the former stream still says is not heard.
        let outcome4 = scene.registry.heard(first, at: scene.now, date: scene.date)
        #expect(!outcome4)
        let outcome5 = scene.registry.closed(first, date: scene.date)
        #expect(outcome5.isEmpty)
        #expect(try #require(scene.node(1)).isConnected)
        scene.registry.ended(job, isCompleted: false)
        #expect(scene.statistics.completedJobs == 0)
    }

    @Test("Two nodes of one host name and token are both shown, and share the driver")
    func twins() throws {
        var scene = Scene()
        try scene.connect(1, hostname: "twin")
        try scene.connect(2, hostname: "twin")
        try scene.connect(3, token: 2, hostname: "twin")
        #expect(scene.nodes().count == 3)
        let twin = try #require(Hostname("twin"))
        let outcome6 = scene.registry.setDriver(.rocm, hostname: twin, token: .init(stored: 1))
        #expect(outcome6?.count == 2)
        #expect(scene.node(1)?.driver == .rocm)
        #expect(scene.node(2)?.driver == .rocm)
        #expect(scene.node(3)?.driver == nil)
    }

    @Test("A driver can be set for a node that is away, and not for one that never was")
    func driver() throws {
        var scene = Scene()
        let session = try scene.connect(1).session
        _ = scene.registry.closed(session, date: scene.date)
        let name = try #require(Hostname("worker1"))
        let outcome7 = scene.registry.setDriver(.cuda, hostname: name, token: .init(stored: 1))
        #expect(outcome7?.isEmpty == true)
        let outcome8 = scene.registry.setDriver(.cuda, hostname: name, token: .init(stored: 2))
        #expect(outcome8 == nil)
        let other = try #require(Hostname("worker2"))
        let outcome9 = scene.registry.setDriver(.cuda, hostname: other, token: .init(stored: 1))
        #expect(outcome9 == nil)
        let again = try scene.connect(1).session
        let key = try #require(scene.registry.key(of: again))
        #expect(scene.registry.driver(of: key) == .cuda)
    }

    @Test("There are no more nodes than there may be")
    func full() throws {
        var rules = ClusterRegistry.Rules()
        rules.maximumNodes = 2
        var scene = Scene(rules: rules)
        try scene.connect(1)
        try scene.connect(2)
        let third = scene.registry.connected(
            .number(3), token: .init(stored: 1), as: .sample(hostname: "worker3"), address: "", at: scene.now,
            date: scene.date)
        #expect(third == nil)
        try scene.connect(2)
    }

    @Test("For one more node, one that is gone is forgotten, of the token that has the most of them")
    func room() throws {
        var rules = ClusterRegistry.Rules()
        rules.maximumNodes = 4
        var scene = Scene(rules: rules)
        let old = try scene.connect(1, token: 2).session
        _ = scene.registry.closed(old, date: scene.date)
        for number: UInt8 in 2...3 {
            scene.pass(.seconds(1))
            let session = try scene.connect(number).session
            let job = try scene.assign()
            scene.registry.ended(job, isCompleted: true)
            _ = scene.registry.closed(session, date: scene.date)
        }
        try scene.connect(4)
        try scene.connect(5)
        let forgotten = scene.registry.takeForgotten()
        #expect(forgotten.map(\.key.node) == [.number(2)])
        #expect(forgotten.values.map(\.completedJobs) == [1])
        #expect(scene.nodes().map(\.node) == [1, 3, 4, 5].map { .number($0) })
        #expect(scene.statistics.completedJobs == 2)
        // It may come back, and begins anew.
        try scene.connect(2)
        #expect(scene.node(2)?.completedJobs == 0)
        #expect(scene.statistics.completedJobs == 2)
    }

    @Test("A node that is forgotten, comes back and is written down again is counted once", .timeLimit(.minutes(1)))
    func comingBack() async throws {
        let store = try Store.inMemory()
        let me = NodeIdentity().id
        var rules = ClusterRegistry.Rules()
        rules.maximumNodes = 1
        let master = try ClusterMaster(
            store: store, me: me, rules: rules, clock: .system, logger: Logger(label: "master"))
        let token = try await master.tokens.create(name: "workers").token
        for (number, jobs) in [(1, 2), (2, 3), (1, 1)] as [(UInt8, Int)] {
            let session = try master.state.withLock { state in
                let opening = state.registry.connected(
                    .number(number), token: token.id, as: .sample(hostname: "worker\(number)"), address: "",
                    at: .zero, date: Date())
                let session = try #require(opening).session
                for _ in 0..<jobs {
                    let given = state.registry.assign(model: "tiny", at: .zero)
                    state.registry.ended(try #require(given).job, isCompleted: true)
                }
                return session
            }
            await master.save()
            master.state.withLock { _ = $0.registry.closed(session, date: Date()) }
        }
        #expect(master.statistics().completedJobs == 6)
        let again = try ClusterMaster(
            store: store, me: me, rules: rules, clock: .system, logger: Logger(label: "master"))
        #expect(again.nodes().map(\.completedJobs) == [1])
        #expect(again.statistics().completedJobs == 6)
    }

    // MARK: - Jobs

    @Test("A job goes to a worker that has its model, and counts there")
    func job() throws {
        var scene = Scene()
        try scene.connect(1, models: ["tiny"])
        let second = try scene.connect(2, models: ["large"]).session
        let outcome10 = scene.registry.assign(model: "huge", at: scene.now)
        #expect(outcome10 == nil)
        let given = scene.give("large")
        let (job, session) = try #require(given)
        #expect(session == second)
        #expect(scene.statistics.activeJobs == 1)
        #expect(scene.node(2)?.activeJobs == 1)
        let outcome11 = scene.registry.accepted(job, by: .number(1))
        #expect(!outcome11)
        let outcome12 = scene.registry.accepted(job, by: .number(2))
        #expect(outcome12)
        let outcome13 = scene.registry.accepted(job, by: .number(2))
        #expect(!outcome13)
        scene.registry.ended(job, isCompleted: true)
        scene.registry.ended(job, isCompleted: true)
        #expect(scene.statistics.activeJobs == 0)
        #expect(scene.node(2)?.activeJobs == 0)
        #expect(scene.node(2)?.completedJobs == 1)
    }

    @Test("A job that was given up does not count as completed")
    func givenUp() throws {
        var scene = Scene()
        try scene.connect(1)
        let job = try scene.assign()
        scene.registry.ended(job, isCompleted: false)
        #expect(scene.node(1)?.activeJobs == 0)
        #expect(scene.node(1)?.completedJobs == 0)
    }

    @Test("A worker that dies leaves its jobs, and its counters stay right")
    func death() throws {
        var scene = Scene()
        let session = try scene.connect(1).session
        let done = try scene.assign()
        scene.registry.ended(done, isCompleted: true)
        let jobs = try (0..<3).map { _ in try scene.assign() }
        let outcome14 = scene.registry.closed(session, date: scene.date)
        #expect(outcome14 == jobs)
        #expect(scene.statistics.activeJobs == 0)
        #expect(scene.node(1)?.completedJobs == 1)
        // One had been answered whole, which was read later; that is told once.
        for _ in 0..<2 {
            for (number, job) in jobs.enumerated() { scene.registry.ended(job, isCompleted: number == 1) }
        }
        #expect(scene.statistics.activeJobs == 0)
        #expect(scene.node(1)?.completedJobs == 2)
        #expect(scene.statistics.completedJobs == 2)
    }

    @Test("Nothing is given to a worker that has failed at it, that leaves, or that is gone")
    func candidates() throws {
        var scene = Scene()
        let first = try scene.connect(1, weight: 1000).session
        let second = try scene.connect(2, weight: 500).session
        let third = try scene.connect(3).session
        let outcome15 = scene.registry.assign(model: "tiny", at: scene.now)
        #expect(outcome15?.session == first)
        let outcome16 = scene.registry.assign(model: "tiny", tried: [.number(1)], at: scene.now)
        #expect(outcome16?.session == second)
        scene.registry.leaving(second)
        let outcome17 = scene.registry.assign(model: "tiny", tried: [.number(1)], at: scene.now)
        #expect(outcome17?.session == third)
        _ = scene.registry.closed(third, date: scene.date)
        let outcome18 = scene.registry.assign(model: "tiny", tried: [.number(1)], at: scene.now)
        #expect(outcome18 == nil)
        #expect(scene.registry.models().map(\.nodes) == [[.number(1)]])
    }

    @Test("A worker that failed gets no job for a while where others can do it, until it has done one")
    func failing() throws {
        var scene = Scene()
        let strong = try scene.connect(1, weight: 1000).session
        let weak = try scene.connect(2).session
        let job = try scene.assign()
        scene.registry.failed(job, at: scene.now)
        scene.registry.ended(job, isCompleted: false)
        for _ in 0..<3 {
            let given = scene.give()
            #expect(given?.session == weak)
        }
        // Where there is nobody else, it is asked all the same.
        let asked = scene.give(tried: [.number(2)])
        let another = try #require(asked)
        #expect(another.session == strong)
        scene.registry.failed(another.job, at: scene.now)
        scene.registry.ended(another.job, isCompleted: false)
        scene.pass(.seconds(14.9))
        let early = scene.give()
        #expect(early?.session == weak)
        scene.pass(.seconds(0.1))
        let later = scene.give()
        let third = try #require(later)
        #expect(third.session == strong)
        scene.registry.failed(third.job, at: scene.now)
        let last = scene.give(tried: [.number(2)])
        scene.registry.ended(try #require(last).job, isCompleted: true)
        let recovered = scene.give()
        #expect(recovered?.session == strong)
    }

    @Test("A model is missed for a while when the last worker that has it is gone")
    func missing() throws {
        var rules = ClusterRegistry.Rules()
        rules.maximumMissed = 3
        var scene = Scene(rules: rules)
        let first = try scene.connect(1, models: ["tiny"]).session
        let second = try scene.connect(2, models: ["tiny", "large"]).session
        #expect(!scene.registry.misses("tiny", at: scene.date))
        _ = scene.registry.closed(first, date: scene.date)
        #expect(!scene.registry.misses("tiny", at: scene.date))
        _ = scene.registry.closed(second, date: scene.date)
        #expect(scene.registry.misses("tiny", at: scene.date))
        #expect(!scene.registry.misses("other", at: scene.date))
        scene.pass(.seconds(600))
        #expect(scene.registry.misses("large", at: scene.date))
        scene.pass(.seconds(1))
        #expect(!scene.registry.misses("large", at: scene.date))
        // As many as may be, whatever a worker says that it had.
        let boaster = try scene.connect(3, models: (0..<10).map { "m\($0)" }).session
        _ = scene.registry.closed(boaster, date: scene.date)
        let missed = (0..<10).filter { scene.registry.misses("m\($0)", at: scene.date) }
        #expect(missed == [0, 1, 2])
        try scene.connect(4, models: ["m0"])
        #expect(!scene.registry.misses("m0", at: scene.date))
    }

    @Test("Work that others gave a worker counts when jobs are shared out")
    func reported() throws {
        var scene = Scene()
        let first = try scene.connect(1).session
        let second = try scene.connect(2).session
        scene.registry.heard(first, activeJobs: 5, at: scene.now, date: scene.date)
        for _ in 0..<5 { #expect(scene.registry.assign(model: "tiny", at: scene.now)?.session == second) }
    }

    @Test("A job that nobody takes is noticed")
    func ignored() throws {
        var scene = Scene()
        try scene.connect(1)
        let taken = try scene.assign()
        let left = try scene.assign()
        let outcome19 = scene.registry.accepted(taken, by: .number(1))
        #expect(outcome19)
        scene.pass(.seconds(9.9))
        #expect(scene.registry.ignored(at: scene.now).isEmpty)
        scene.pass(.seconds(0.1))
        #expect(scene.registry.ignored(at: scene.now) == [left])
    }

    // MARK: - Keeping

    @Test("What has to survive is told once, and a heartbeat is not part of it")
    func changes() throws {
        var scene = Scene()
        let session = try scene.connect(1).session
        let outcome20 = scene.registry.takeChanged()
        #expect(outcome20.count == 1)
        scene.pass(.seconds(5))
        scene.registry.heard(session, activeJobs: 1, processes: [], at: scene.now, date: scene.date)
        let outcome21 = scene.registry.takeChanged()
        #expect(outcome21.isEmpty)
        scene.registry.markSeen()
        let outcome22 = scene.registry.takeChanged()
        #expect(outcome22.values.map(\.lastSeen) == [scene.date])
        let job = try scene.assign()
        let outcome23 = scene.registry.takeChanged()
        #expect(outcome23.isEmpty)
        scene.registry.ended(job, isCompleted: true)
        let outcome24 = scene.registry.takeChanged()
        #expect(outcome24.values.map(\.completedJobs) == [1])
    }

    @Test("Nodes, counters and drivers survive a restart")
    func restart() async throws {
        let store = try Store.inMemory()
        let table = try NodeTable(store: store)
        let me = NodeIdentity().id
        let tokens = try ClusterTokens(store: store, master: me)
        let token = try await tokens.create(name: "workers").token
        var scene = Scene()
        let session = try scene.connect(1, token: token.id.rawValue).session
        for _ in 0..<3 {
            let job = try scene.assign()
            scene.registry.ended(job, isCompleted: true)
        }
        let name = try #require(Hostname("worker1"))
        _ = scene.registry.setDriver(.rocm, hostname: name, token: token.id)
        let choice = ClusterRegistry.DriverKey(token: token.id, hostname: name)
        try await table.saveDriver(of: choice) {
            .rocm
        } alongWith: { _ in
        }
        #expect(try table.driver(of: choice) == .rocm)
        try await table.save(scene.registry.takeChanged())
        let key = try #require(scene.registry.key(of: session))

        var restored = ClusterRegistry()
        try NodeTable(store: store).restore(into: &restored)
        #expect(restored.nodes[key]?.record == scene.registry.nodes[key]?.record)
        #expect(restored.nodes[key]?.session == nil)
        #expect(restored.driver(of: key) == .rocm)
        #expect(restored.statistics(uptime: .zero, date: scene.date).completedJobs == 3)

        try await table.forget([key: try #require(restored.nodes[key]).record])
        var later = ClusterRegistry()
        try NodeTable(store: store).restore(into: &later)
        #expect(later.nodes.isEmpty)
        #expect(later.statistics(uptime: .zero, date: scene.date).completedJobs == 3)
    }

    /// Whatever happens in whatever order, the counters are those of a simple account of it.
    @Test("Counters stay right over random histories", arguments: [1, 2, 3, 4, 5, 6, 7, 8] as [UInt64])
    func randomHistory(seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        var scene = Scene()
        var sessions: [UInt8: ClusterRegistry.SessionID] = [:]
        var running: [ClusterRegistry.JobID: UInt8] = [:]
        var completed: [UInt8: Int] = [:]
        for _ in 0..<3000 {
            scene.pass(.seconds(Double.random(in: 0...3, using: &random)))
            let number = UInt8.random(in: 1...6, using: &random)
            switch Int.random(in: 0..<10, using: &random) {
            case 0, 1:
                let opening = try scene.connect(number)
                #expect(opening.replaced == sessions[number], "seed \(seed)")
                let abandoned = running.filter { $0.value == number }.keys
                #expect(Set(opening.abandoned) == Set(abandoned), "seed \(seed)")
                for job in abandoned { running[job] = nil }
                sessions[number] = opening.session
            case 2:
                guard let session = sessions.removeValue(forKey: number) else { continue }
                let lost = scene.registry.closed(session, date: scene.date)
                let abandoned = running.filter { $0.value == number }.keys
                #expect(Set(lost) == Set(abandoned), "seed \(seed)")
                for job in abandoned { running[job] = nil }
            case 3...6:
                guard let (job, session) = scene.registry.assign(model: "tiny", at: scene.now) else {
                    #expect(sessions.isEmpty, "seed \(seed)")
                    continue
                }
                let worker = try #require(sessions.first { $0.value == session }?.key)
                // Nobody has less to do, as all weights are equal.
                let loads = sessions.keys.map { other in running.values.count { $0 == other } }
                #expect(running.values.count { $0 == worker } == loads.min(), "seed \(seed)")
                running[job] = worker
            default:
                guard let (job, worker) = running.randomElement(using: &random) else { continue }
                let isCompleted = Bool.random(using: &random)
                scene.registry.ended(job, isCompleted: isCompleted)
                running[job] = nil
                if isCompleted { completed[worker, default: 0] += 1 }
            }
            #expect(scene.statistics.activeJobs == running.count, "seed \(seed)")
        }
        for node in scene.nodes() {
            let number = try #require((1...6).first { NodeID.number($0) == node.node })
            #expect(node.completedJobs == completed[number, default: 0], "seed \(seed)")
            #expect(node.activeJobs == running.values.count { $0 == number }, "seed \(seed)")
            #expect(node.isConnected == (sessions[number] != nil), "seed \(seed)")
        }
    }
}
