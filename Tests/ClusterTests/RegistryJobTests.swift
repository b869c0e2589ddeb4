import Identifiers
import ShoalTestSupport
import Testing

@testable import Cluster

@Suite("What a master knows of its workers' jobs")
struct RegistryJobTests {
    @Test("A job goes to a worker that has its model, and counts there")
    func job() throws {
        var scene = RegistryScene()
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
        var scene = RegistryScene()
        try scene.connect(1)
        let job = try scene.assign()
        scene.registry.ended(job, isCompleted: false)
        #expect(scene.node(1)?.activeJobs == 0)
        #expect(scene.node(1)?.completedJobs == 0)
    }

    @Test("A worker that dies leaves its jobs, and its counters stay right")
    func death() throws {
        var scene = RegistryScene()
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
        var scene = RegistryScene()
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
        var scene = RegistryScene()
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
        var scene = RegistryScene(rules: rules)
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
        var scene = RegistryScene()
        let first = try scene.connect(1).session
        let second = try scene.connect(2).session
        scene.registry.heard(first, activeJobs: 5, at: scene.now, date: scene.date)
        for _ in 0..<5 { #expect(scene.registry.assign(model: "tiny", at: scene.now)?.session == second) }
    }

    @Test("A job that nobody takes is noticed")
    func ignored() throws {
        var scene = RegistryScene()
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

    /// Whatever happens in whatever order, the counters are those of a simple account of it.
    @Test("Counters stay right over random histories", arguments: [1, 2, 3, 4, 5, 6, 7, 8] as [UInt64])
    func randomHistory(seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        var scene = RegistryScene()
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
