import Accounts
import Foundation
import GRDB
import Logging
import ShoalTestSupport
import Store
import Testing

@testable import Jobs

struct RecoveryTests {
    @Test("what a killed node left open is refunded at the next start, and ended")
    func killed() async throws {
        try await withJobs { jobs in
            let user = try await jobs.user(tokens: 1000)
            let killed = try await jobs.service(HandTrainer.endless)
            let running = Task { try await killed.run() }
            var ids: [JobID] = []
            for number in 0..<5 { ids.append(try await killed.submit(for: user, key: "key-\(number)").id) }
            try await eventually { try await killed.job(ids[0], for: user).state == .running }
            let output = killed.folder.output(of: ids[0])
            try await eventually { FileManager.default.fileExists(atPath: output) }
            #expect(try await jobs.balance(user) == 500)

            // Another node on the same data, as after a kill -9: the first one has closed nothing.
            let trainer = HandTrainer()
            let next = try await jobs.service(trainer)
            #expect(trainer.leftovers == [[ids[0]]])
            #expect(!FileManager.default.fileExists(atPath: output))
            #expect(try await jobs.balance(user) == 1000)
            for id in ids {
                let job = try await next.job(id, for: user)
                #expect(job.state == .failed && job.message.hasPrefix("node stopped") && job.tokensUsed == 0)
            }
            try await jobs.checkLedger()
            // The same key is the same job, and nothing is paid for it again.
            try await whileRunning(next) {
                #expect(try await next.submit(for: user, key: "key-3").id == ids[3])
                #expect(try await next.wait(for: ids[3], as: user).state == .failed)
                let fresh = try await next.submit(for: user)
                #expect(try await next.wait(for: fresh.id, as: user).state == .succeeded)
            }
            #expect(try await jobs.balance(user) == 900)
            running.cancel()
            _ = try? await running.value
            #expect(try await jobs.balance(user) == 900)
            try await jobs.checkLedger()
        }
    }

    @Test("a node that stops ends what runs and what waits, and refunds both")
    func stopped() async throws {
        try await withJobs { jobs in
            let user = try await jobs.user(tokens: 500)
            let service = try await jobs.service(HandTrainer.endless) { $0.maximumRunning = 2 }
            let waiter = try await whileRunning(service) {
                var ids: [JobID] = []
                for _ in 0..<5 { ids.append(try await service.submit(for: user).id) }
                try await eventually { try await service.job(ids[1], for: user).state == .running }
                return Task { [ids] in
                    var states: [TrainingJob.State] = []
                    for id in ids { states.append(try await service.wait(for: id, as: user).state) }
                    return states
                }
            }
            #expect(try await waiter.value == Array(repeating: .failed, count: 5))
            #expect(try await jobs.balance(user) == 500)
            #expect(await jobCode { try await service.submit(for: user) } == .stopping)
            try await jobs.checkLedger()
        }
    }

    @Test(
        "a reservation whose job is nowhere is refunded at start, one of a job that succeeded is settled, others are left alone"
    )
    func orphans() async throws {
        try await withJobs { jobs in
            let user = try await jobs.user(tokens: 1000)
            let id = try #require(user.user)
            let service = try await jobs.service(HandTrainer())
            try await whileRunning(service) {
                let done = try await service.submit(for: user)
                _ = try await service.wait(for: done.id, as: user)
            }
            let price = try TokenAmount(100)
            let orphan = try await jobs.ledger.reserve(
                price, of: id, key: IdempotencyKey(TrainingService.keyPrefix + JobID.random().description), reason: "")
            let odd = try await jobs.ledger.reserve(
                price, of: id, key: IdempotencyKey(TrainingService.keyPrefix + "no-id"), reason: "")
            let other = try await jobs.ledger.reserve(price, of: id, key: IdempotencyKey("something-else"), reason: "")
            #expect(try await jobs.balance(user) == 600)
            _ = try await jobs.service(HandTrainer())
            #expect(try await jobs.balance(user) == 800)
            #expect(try await jobs.ledger.openReservations() == [other])
            for closed in [orphan, odd] {
                await #expect {
                    try await jobs.ledger.settle(closed.id)
                } throws: { ($0 as? AccountError)?.code == .reservationClosed }
            }
            #expect(try await jobs.ledger.verify().isSound)
        }
    }

    @Test("a training that is done while the database fails is paid for when that works again")
    func failingDatabase() async throws {
        try await withJobs { jobs in
            let user = try await jobs.user(tokens: 300)
            let service = try await jobs.service(HandTrainer()) { $0.maximumRunning = 2 }
            try await jobs.store.write { database in
                try database.execute(
                    sql: """
                        CREATE TRIGGER broken BEFORE UPDATE ON trainingJob WHEN NEW.state = 'succeeded'
                        BEGIN SELECT RAISE(ABORT, 'broken'); END
                        """)
            }
            try await whileRunning(service) {
                let id = try await service.submit(for: user).id
                try await eventually { try await service.job(id, for: user).state == .running }
                // Neither half of the end is there.
                #expect(try await jobs.ledger.openReservations().count == 1)
                try await jobs.store.write { try $0.execute(sql: "DROP TRIGGER broken") }
                #expect(try await service.wait(for: id, as: user).state == .succeeded)
            }
            #expect(try await jobs.balance(user) == 200)
            try await jobs.checkLedger()
        }
    }

    @Test("a trainer that never stops talking is ended in time, and its log stays small")
    func flood() async throws {
        try await withJobs { jobs in
            let user = try await jobs.user(tokens: 100)
            let words = [
                "/bin/sh", "-c", "yes '{\"progress\":0.5,\"message\":\"on\"}' & yes 'and on and on' >&2 & wait",
            ]
            let trainer = CommandTrainer(
                command: try #require(CommandWords(words: words)), shoal: BuildProducts.shoal,
                gracePeriod: .milliseconds(200),
                logger: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() }))
            let service = try await jobs.service(trainer) { $0.timeout = .milliseconds(500) }
            try await whileRunning(service) {
                let id = try await service.submit(for: user).id
                let job = try await service.wait(for: id, as: user)
                #expect(job.state == .failed && job.message.contains("longer than") && job.progress == 0.5)
                let log = try await service.log(of: id, for: user)
                #expect(!log.isEmpty && log.count <= JobLog.maximumBytes)
                try await eventually { LeftoverProcesses.processes(of: [id]).isEmpty }
            }
            #expect(try await jobs.balance(user) == 100)
            try await jobs.checkLedger()
        }
    }

    @Test("a job cannot be taken twice, nor a queue that is full keep its tokens")
    func refusedWhole() async throws {
        try await withJobs { jobs in
            let user = try await jobs.user(tokens: 1000)
            // Nothing runs: what is taken waits.
            let service = try await jobs.service(HandTrainer()) { $0.maximumQueued = 3 }
            let codes = await withTaskGroup(of: JobError.Code?.self) { group in
                for _ in 0..<20 { group.addTask { await jobCode { try await service.submit(for: user) } } }
                return await group.reduce(into: [JobError.Code?: Int]()) { $0[$1, default: 0] += 1 }
            }
            #expect(codes == [nil: 3, .queueFull: 17])
            #expect(try await jobs.balance(user) == 700)
            let entries = try await jobs.ledger.entries(of: #require(user.user))
            #expect(entries.count == 4)
            let written = try await jobs.store.read { try Int.fetchOne($0, sql: "SELECT COUNT(*) FROM trainingJob") }
            #expect(written == 3)
        }
    }

    @Test("the process that a killed node left training is ended at the next start")
    func leftoverProcess() async throws {
        try await withJobs { jobs in
            let user = try await jobs.user(tokens: 100)
            let service = try await jobs.service(HandTrainer.endless)
            let running = Task { try await service.run() }
            let id = try await service.submit(for: user).id
            try await eventually { try await service.job(id, for: user).state == .running }
            let process = Process()
            process.executableURL = URL(filePath: "/bin/sh")
            process.arguments = ["-c", "sleep 600 & wait"]
            process.environment = ["SHOAL_JOB_ID": id.description, "PATH": "/usr/bin:/bin"]
            try process.run()
            try await eventually { LeftoverProcesses.processes(of: [id]).count == 2 }
            let trainer = CommandTrainer(
                command: try #require(CommandWords("true")), shoal: BuildProducts.shoal, logger: .init(label: "test"))
            _ = try await jobs.service(trainer)
            process.waitUntilExit()
            #expect(process.terminationReason == .uncaughtSignal)
            try await eventually { LeftoverProcesses.processes(of: [id]).isEmpty }
            running.cancel()
            _ = try? await running.value
        }
    }
}
