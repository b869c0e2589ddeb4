import Foundation
import Link
import Logging
import Store
import Synchronization
import Testing
import Timing

@testable import Cluster

@Suite("What a master knows of its workers")
struct RegistryTests {
    @Test("A worker that joins is connected, and recently disconnected when it goes")
    func connection() throws {
        var scene = RegistryScene()
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
        var scene = RegistryScene()
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
        var scene = RegistryScene()
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
        var scene = RegistryScene()
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
        var scene = RegistryScene()
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
        var scene = RegistryScene()
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
        var scene = RegistryScene(rules: rules)
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
        var scene = RegistryScene(rules: rules)
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
}
