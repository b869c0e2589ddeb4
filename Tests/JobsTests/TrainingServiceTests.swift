import Accounts
import Events
import Files
import Foundation
import ShoalTestSupport
import Store
import Testing

@testable import Jobs

struct TrainingServiceTests {
    @Test("a training costs a user 100 tokens and an administrator nothing")
    func price() async throws {
        try await withJobs { jobs in
            let service = try await jobs.service(HandTrainer())
            let user = try await jobs.user(tokens: 250)
            let administrator = try await jobs.user("root", role: .admin, tokens: 5)
            try await whileRunning(service) {
                for (owner, used) in [(user, 100), (administrator, 0), (.nodeKey, 0)] as [(JobOwner, Int64)] {
                    let job = try await service.submit(for: owner)
                    #expect(job.tokens.rawValue == used)
                    let done = try await service.wait(for: job.id, as: owner)
                    #expect(done.state == .succeeded && done.tokensUsed == used && done.progress == 1)
                    #expect(done.started != nil && done.ended != nil)
                }
            }
            #expect(try await jobs.balance(user) == 150)
            #expect(try await jobs.balance(administrator) == 5)
            try await jobs.checkLedger()
        }
    }

    @Test("the trainer is told the folder without links, the name and a folder for what comes of it")
    func task() async throws {
        try await withJobs { jobs in
            try FileManager.default.createSymbolicLink(
                atPath: jobs.root + "/files/link", withDestinationPath: "data")
            let trainer = HandTrainer { task, _ in
                try Data("weights".utf8).write(to: URL(filePath: task.outputFolder + "/adapter"))
            }
            let service = try await jobs.service(trainer)
            try await whileRunning(service) {
                let job = try await service.submit(for: .nodeKey, path: "link")
                _ = try await service.wait(for: job.id, as: .nodeKey)
                let task = try #require(trainer.tasks.first)
                let real = URL(filePath: jobs.root).resolvingSymlinksInPath().path
                #expect(task.dataPath == real + "/files/data")
                #expect(task.request.outputModel == "MyCustomModel" && task.request.description == "a test")
                #expect(FileManager.default.contents(atPath: task.outputFolder + "/adapter") == Data("weights".utf8))
            }
        }
    }

    @Test("a training that fails costs nothing, and what it left is gone")
    func failure() async throws {
        try await withJobs { jobs in
            let trainer = HandTrainer { task, _ in
                try Data("half".utf8).write(to: URL(filePath: task.outputFolder + "/adapter"))
                throw JobError(.trainerFailed, "the loss is not a number")
            }
            let service = try await jobs.service(trainer)
            let user = try await jobs.user(tokens: 100)
            try await whileRunning(service) {
                let job = try await service.submit(for: user)
                let done = try await service.wait(for: job.id, as: user)
                #expect(done.state == .failed && done.message == "the loss is not a number" && done.tokensUsed == 0)
                let output = try #require(trainer.tasks.first).outputFolder
                #expect(!FileManager.default.fileExists(atPath: output))
            }
            // Events are for everybody, what the trainer said is not.
            let events = jobs.events.history.filter { $0.category == "training" }.map(\.message)
            #expect(events.last == "training of MyCustomModel failed")
            #expect(!events.contains { $0.contains("loss") })
            #expect(try await jobs.balance(user) == 100)
            try await jobs.checkLedger()
        }
    }

    @Test("a training that takes too long is ended and costs nothing")
    func timeout() async throws {
        try await withJobs { jobs in
            let service = try await jobs.service(HandTrainer.endless) { $0.timeout = .milliseconds(20) }
            let user = try await jobs.user(tokens: 100)
            try await whileRunning(service) {
                let job = try await service.submit(for: user)
                let done = try await service.wait(for: job.id, as: user)
                #expect(done.state == .failed && done.message.contains("training.timeout_seconds"))
            }
            #expect(try await jobs.balance(user) == 100)
        }
    }

    @Test("what runs and what waits can be cancelled, once, and costs nothing")
    func cancelling() async throws {
        try await withJobs { jobs in
            let service = try await jobs.service(HandTrainer.endless)
            let user = try await jobs.user(tokens: 300)
            let other = try await jobs.user("bob", tokens: 300)
            try await whileRunning(service) {
                let running = try await service.submit(for: user)
                let waiting = try await service.submit(for: user)
                #expect(try await jobs.balance(user) == 100)
                #expect(
                    await jobCode { _ = try await service.cancel(running.id, for: other, by: JobsFixture.actor) }
                        == .notFound)
                for id in [waiting.id, running.id] {
                    let ended = try await service.cancel(id, for: user, by: JobsFixture.actor)
                    #expect(ended.state == .cancelled && ended.tokensUsed == 0)
                    #expect(
                        await jobCode { _ = try await service.cancel(id, for: user, by: JobsFixture.actor) } == .ended)
                }
                #expect(try await jobs.balance(user) == 300)
                // An administrator may cancel anybody's.
                let last = try await service.submit(for: other)
                #expect(
                    try await service.cancel(last.id, for: .nodeKey, by: JobsFixture.actor).state == .cancelled)
            }
            let actions = try await jobs.accounts.audit.entries().map(\.action.description)
            #expect(actions.count { $0 == "training.submit" } == 3)
            #expect(actions.count { $0 == "training.cancel" } == 3)
            try await jobs.checkLedger()
        }
    }

    @Test("who waits for a training may go away without ending it")
    func leaving() async throws {
        try await withJobs { jobs in
            let gate = Gate()
            let service = try await jobs.service(HandTrainer { _, _ in await gate.pass() })
            let user = try await jobs.user(tokens: 100)
            try await whileRunning(service) {
                let job = try await service.submit(for: user)
                let waiter = Task { try await service.wait(for: job.id, as: user) }
                waiter.cancel()
                await #expect(throws: CancellationError.self) { _ = try await waiter.value }
                gate.open()
                #expect(try await service.wait(for: job.id, as: user).state == .succeeded)
            }
            #expect(try await jobs.balance(user) == 0)
        }
    }

    @Test("no more run at once, and no more wait, than may", arguments: [1, 3])
    func limits(atOnce: Int) async throws {
        try await withJobs { jobs in
            let gate = Gate()
            let trainer = HandTrainer { _, _ in await gate.pass() }
            let service = try await jobs.service(trainer) {
                $0.maximumRunning = atOnce
                $0.maximumQueued = 5
            }
            let user = try await jobs.user(tokens: 10_000)
            try await whileRunning(service) {
                var accepted: [JobID] = []
                for _ in 0..<atOnce { accepted.append(try await service.submit(for: user).id) }
                for id in accepted { try await eventually { try await service.job(id, for: user).state == .running } }
                for _ in 0..<5 { accepted.append(try await service.submit(for: user).id) }
                #expect(await jobCode { try await service.submit(for: user) } == .queueFull)
                #expect(try await jobs.balance(user) == 10_000 - 100 * Int64(accepted.count))
                gate.open()
                for id in accepted { #expect(try await service.wait(for: id, as: user).state == .succeeded) }
                #expect(trainer.most <= atOnce)
                try await service.submit(for: user)
            }
        }
    }

    @Test("of a thousand trainings at once, 1000 tokens pay for exactly ten")
    func thousand() async throws {
        try await withJobs { jobs in
            let service = try await jobs.service(HandTrainer())
            let user = try await jobs.user(tokens: 1000)
            try await whileRunning(service) {
                let outcomes = await withTaskGroup(of: String.self) { group in
                    for _ in 0..<1000 {
                        group.addTask {
                            do {
                                let job = try await service.submit(for: user)
                                return try await service.wait(for: job.id, as: user).state.rawValue
                            } catch { return (error as? AccountError)?.code.description ?? "\(error)" }
                        }
                    }
                    return await group.reduce(into: [String: Int]()) { $0[$1, default: 0] += 1 }
                }
                #expect(outcomes == ["succeeded": 10, "insufficientTokens": 990])
            }
            #expect(try await jobs.balance(user) == 0)
            try await jobs.checkLedger()
        }
    }

    @Test("the same key gives the same job, whoever asks at once, and another request under it is refused")
    func idempotency() async throws {
        try await withJobs { jobs in
            let service = try await jobs.service(HandTrainer())
            let user = try await jobs.user(tokens: 1000)
            let other = try await jobs.user("bob", tokens: 100)
            try await whileRunning(service) {
                let ids = try await withThrowingTaskGroup(of: JobID.self) { group in
                    for _ in 0..<50 { group.addTask { try await service.submit(for: user, key: "once").id } }
                    return try await group.reduce(into: Set<JobID>()) { $0.insert($1) }
                }
                #expect(ids.count == 1)
                #expect(
                    await jobCode { try await service.submit(for: user, key: "once", model: "other") } == .keyReused)
                #expect(try await !ids.contains(service.submit(for: other, key: "once").id))
                #expect(try await !ids.contains(service.submit(for: .nodeKey, key: "once").id))
                let id = try #require(ids.first)
                _ = try await service.wait(for: id, as: user)
                #expect(try await service.submit(for: user, key: "once").state == .succeeded)
            }
            #expect(try await jobs.balance(user) == 900)
            #expect(try await jobs.balance(other) == 0)
        }
    }

    @Test("what cannot be trained is refused before anything is paid")
    func refusals() async throws {
        try await withJobs { jobs in
            let service = try await jobs.service(HandTrainer())
            let user = try await jobs.user(tokens: 100)
            for path in ["nothing", "data/set.csv", "../data", "/etc"] {
                await #expect(throws: FileError.self) { try await service.submit(for: user, path: path) }
            }
            let untrained = try await jobs.service(nil)
            #expect(await jobCode { try await untrained.submit(for: user) } == .notConfigured)
            let id = try #require(user.user)
            _ = try await jobs.accounts.users.deactivate(id, by: JobsFixture.actor)
            await #expect {
                try await service.submit(for: user)
            } throws: { ($0 as? AccountError)?.code == .userNotFound }
            #expect(try await jobs.balance(user) == 100)
            try await jobs.checkLedger()
        }
    }

    @Test("users see their own jobs, administrators all, page by page")
    func lists() async throws {
        try await withJobs { jobs in
            let service = try await jobs.service(HandTrainer())
            let ada = try await jobs.user("ada", tokens: 1000)
            let bob = try await jobs.user("bob", tokens: 1000)
            var submitted: [JobID: JobOwner] = [:]
            var order: [JobID] = []
            for number in 0..<7 {
                let owner = number.isMultiple(of: 2) ? ada : bob
                let id = try await service.submit(for: owner).id
                submitted[id] = owner
                order.insert(id, at: 0)
            }
            for (viewer, expected) in [
                (ada, order.filter { submitted[$0] == ada }), (bob, order.filter { submitted[$0] == bob }),
                (.nodeKey, order),
            ] {
                var seen: [JobID] = []
                var after: JobID?
                repeat {
                    let page = try await service.jobs(for: viewer, after: after, limit: PageLimit(2))
                    seen += page.jobs.map(\.id)
                    after = page.next
                } while after != nil
                #expect(seen == expected)
            }
            let bobs = try #require(order.first { submitted[$0] == bob })
            #expect(await jobCode { _ = try await service.job(bobs, for: ada) } == .notFound)
            #expect(await jobCode { _ = try await service.log(of: bobs, for: ada) } == .notFound)
            #expect(await jobCode { _ = try await service.wait(for: bobs, as: ada) } == .notFound)
            #expect(await jobCode { _ = try await service.jobs(for: ada, after: bobs) } == .badValue)
            #expect(await jobCode { _ = try await service.jobs(for: ada, after: .random()) } == .badValue)
        }
    }

    @Test("progress shows while a training runs, and lines are in its log")
    func progress() async throws {
        try await withJobs { jobs in
            let gate = Gate()
            let service = try await jobs.service(
                HandTrainer { _, report in
                    await report(.line("loading"))
                    await report(.progress(0.25, message: "epoch 1"))
                    await report(.progress(nil, message: "epoch 2"))
                    await report(.line("a\u{1B}[31mb"))
                    await gate.pass()
                })
            let user = try await jobs.user(tokens: 100)
            try await whileRunning(service) {
                let id = try await service.submit(for: user).id
                try await eventually { try await service.job(id, for: user).message == "epoch 2" }
                #expect(try await service.job(id, for: user).progress == 0.25)
                #expect(try await service.jobs(for: user).jobs.first?.message == "epoch 2")
                try await eventually {
                    try await service.log(of: id, for: user) == Array("loading\na [31mb\n".utf8)
                }
                gate.open()
                #expect(try await service.wait(for: id, as: user).progress == 1)
            }
            var kinds = jobs.events.history.filter { $0.category == "training" }.map(\.kind)
            // Of progress there is one each second, however slow this machine is.
            while let double = kinds.indices.dropFirst().first(where: { kinds[$0] == kinds[$0 - 1] }) {
                kinds.remove(at: double)
            }
            #expect(kinds == ["training_queued", "training_started", "training_progress", "training_succeeded"])
        }
    }
}
