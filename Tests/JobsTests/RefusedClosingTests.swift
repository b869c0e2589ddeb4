import Accounts
import Foundation
import GRDB
import ShoalTestSupport
import Store
import Testing

@testable import Jobs

/// What happens where the ledger, or what is stored of a job, does not let a job be closed.
struct RefusedClosingTests {
    @Test("what the ledger refuses to take back keeps no node from starting, and comes back when there is room")
    func noRoomAtStart() async throws {
        try await withJobs { jobs in
            let full = try await jobs.user(tokens: 100)
            let other = try await jobs.user("bob", tokens: 100)
            let killed = try await jobs.service(HandTrainer())
            let refused = try await killed.submit(for: full)
            let closed = try await killed.submit(for: other)
            try await jobs.fillUp(full)

            let next = try await jobs.service(HandTrainer())
            for (id, owner) in [(refused.id, full), (closed.id, other)] {
                #expect(try await next.job(id, for: owner).state == .failed)
            }
            #expect(try await next.job(closed.id, for: other).message.hasSuffix("its tokens were given back"))
            #expect(try await !next.job(refused.id, for: full).message.contains("given back"))
            #expect(try await jobs.balance(other) == 100)
            #expect(try await jobs.ledger.openReservations().map(\.id) == [refused.reservation])

            try await jobs.ledger.grant(
                -100, to: #require(full.user), key: .random(), reason: "room", by: JobsFixture.actor)
            _ = try await jobs.service(HandTrainer())
            #expect(try await jobs.balance(full) == TokenAmount.largest)
            try await jobs.checkLedger()
        }
    }

    @Test(
        "a training whose tokens the ledger refuses to take back ends, and lets the next one run",
        .timeLimit(.minutes(1)), arguments: [true, false])
    func noRoomAtTheEnd(isCancelled: Bool) async throws {
        try await withJobs { jobs in
            let gate = Gate()
            let service = try await jobs.service(
                HandTrainer { task, _ in
                    guard task.request.outputModel == "first" else { return }
                    await gate.pass()
                    throw JobError(.trainerFailed, "the loss is not a number")
                })
            let full = try await jobs.user(tokens: 200)
            let other = try await jobs.user("bob", tokens: 100)
            try await whileRunning(service) {
                let first = try await service.submit(for: full, model: "first")
                let second = try await service.submit(for: full)
                let third = try await service.submit(for: other)
                try await eventually { try await service.job(first.id, for: full).state == .running }
                try await jobs.fillUp(full)
                if isCancelled {
                    let ended = try await service.cancel(second.id, for: full, by: JobsFixture.actor)
                    #expect(ended.state == .cancelled)
                }
                gate.open()
                #expect(try await service.wait(for: first.id, as: full).state == .failed)
                #expect(try await service.wait(for: third.id, as: other).state == .succeeded)
            }
            let open = try await jobs.ledger.openReservations()
            #expect(open.count == (isCancelled ? 2 : 1) && open.allSatisfy { $0.user == full.user })
            #expect(try await jobs.ledger.verify().isSound)
        }
    }

    @Test("a job that cannot be read keeps no node from starting")
    func unreadableJob() async throws {
        try await withJobs { jobs in
            let user = try await jobs.user(tokens: 200)
            let killed = try await jobs.service(HandTrainer())
            let damaged = try await killed.submit(for: user)
            let sound = try await killed.submit(for: user)
            try await jobs.store.write { database in
                try database.execute(
                    sql: "UPDATE trainingJob SET id = 'x' WHERE id = ?", arguments: [damaged.id.description])
            }
            let next = try await jobs.service(HandTrainer())
            #expect(try await next.job(sound.id, for: user).state == .failed)
            // Nobody finds the job of the other reservation, so that its tokens come back as well.
            #expect(try await jobs.balance(user) == 200)
        }
    }
}
