import Link
import Store
import Testing

@testable import Cluster

@Suite("What a master keeps of its workers")
struct RegistryKeepingTests {
    @Test("What has to survive is told once, and a heartbeat is not part of it")
    func changes() throws {
        var scene = RegistryScene()
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
        var scene = RegistryScene()
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
}
