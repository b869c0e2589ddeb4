import Accounts
import Foundation
import GRDB
import ShoalTestSupport
import Store
import Testing

@testable import Jobs

struct TrainingFolderTests {
    @Test("a disk that does not answer holds up the job that needs it, and nobody else", .timeLimit(.minutes(1)))
    func hangingDisk() async throws {
        try await withJobs { jobs in
            let service = try await jobs.service(HandTrainer()) { $0.maximumRunning = 2 }
            let user = try await jobs.user(tokens: 300)
            let stuck = try await service.submit(for: user)
            // Whoever opens a pipe to write waits until somebody reads.
            let log = service.folder.logPath(of: stuck.id)
            try FileManager.default.createDirectory(
                atPath: (log as NSString).deletingLastPathComponent, withIntermediateDirectories: true)
            try #require(mkfifo(log, 0o600) == 0)
            try await whileRunning(service) {
                let other = try await service.submit(for: user)
                #expect(try await service.wait(for: other.id, as: user).state == .succeeded)
                #expect(try await service.job(stuck.id, for: user).state == .running)
                let reader = open(log, O_RDONLY | O_NONBLOCK)
                defer { close(reader) }
                #expect(try await service.wait(for: stuck.id, as: user).state == .succeeded)
            }
            #expect(try await jobs.balance(user) == 100)
        }
    }

    /// Writes something into the folder of output of a job.
    private func leave(_ name: String, in service: TrainingService, of id: JobID) throws {
        let output = service.folder.output(of: id)
        try FileManager.default.createDirectory(atPath: output + "/deep", withIntermediateDirectories: true)
        try Data(name.utf8).write(to: URL(filePath: "\(output)/deep/\(name)"))
    }

    private func isThere(_ id: JobID, in service: TrainingService) -> Bool {
        FileManager.default.fileExists(atPath: service.folder.output(of: id))
    }

    @Test("a result stays, says what it is, and only administrators are told where")
    func results() async throws {
        try await withJobs { jobs in
            let service = try await jobs.service(
                HandTrainer { task, _ in
                    guard task.request.outputModel != "empty" else { return }
                    try Data("weights".utf8).write(to: URL(filePath: task.outputFolder + "/adapter"))
                })
            let user = try await jobs.user(tokens: 300)
            let administrator = try await jobs.user("root", role: .admin)
            try await whileRunning(service) {
                let id = try await service.submit(for: user, model: "tiny").id
                let empty = try await service.submit(for: user, model: "empty").id
                for id in [id, empty] { _ = try await service.wait(for: id, as: user) }
                let output = service.folder.output(of: id)
                for viewer in [administrator, .nodeKey] {
                    #expect(try await service.job(id, for: viewer).outputFolder == output)
                    #expect(try await service.jobs(for: viewer).jobs.map(\.outputFolder) == [nil, output])
                }
                #expect(try await service.job(id, for: user).outputFolder == nil)
                #expect(try await service.jobs(for: user).jobs.map(\.outputFolder) == [nil, nil])
                #expect(!isThere(empty, in: service))
                let record = try #require(
                    FileManager.default.contents(atPath: "\(output)/\(TrainingRecord.fileName)"))
                let job = try await service.job(id, for: user)
                let told = try JSONDecoder().decode(TrainingRecord.self, from: record)
                #expect(told.job == id.description && told.outputModel == "tiny" && told.trainPath == "/data")
                #expect(told.userID == job.user?.rawValue)
            }
        }
    }

    @Test("at start what no training succeeded with is removed, and no result ever")
    func staleOutputs() async throws {
        try await withJobs { jobs in
            let user = try await jobs.user(tokens: 1000)
            let first = try await jobs.service(
                HandTrainer { task, _ in
                    if task.request.outputModel == "bad" { throw JobError(.trainerFailed, "bad") }
                    try Data("weights".utf8).write(to: URL(filePath: task.outputFolder + "/adapter"))
                })
            let ids = try await whileRunning(first) {
                var ids: [String: JobID] = [:]
                for name in ["known", "forgotten", "unmarked", "bad"] {
                    let id = try await first.submit(for: user, model: name).id
                    _ = try await first.wait(for: id, as: user)
                    ids[name] = id
                }
                return ids
            }
            let (known, forgotten) = (try #require(ids["known"]), try #require(ids["forgotten"]))
            let (unmarked, bad) = (try #require(ids["unmarked"]), try #require(ids["bad"]))
            // A result from before there were records, a result whose job is forgotten, what was left of a failure, and of what
            // nobody knows; and two that are none of the node's.
            try FileManager.default.removeItem(
                atPath: "\(first.folder.output(of: unmarked))/\(TrainingRecord.fileName)")
            try await jobs.store.write { database in
                try database.execute(
                    sql: "DELETE FROM trainingJob WHERE id = ?", arguments: [forgotten.description])
            }
            try leave("half", in: first, of: bad)
            let unknown = JobID.random()
            try leave("half", in: first, of: unknown)
            let others = ["notes", "ABCDEF"].map { "\(jobs.root)/training/output/\($0)" }
            for path in others {
                try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
            }

            let next = try await jobs.service(HandTrainer.endless)
            try await whileRunning(next) {
                try await eventually { !isThere(bad, in: next) && !isThere(unknown, in: next) }
                let running = try await next.submit(for: user).id
                try await eventually { isThere(running, in: next) }
                await next.removeStaleOutputs()
                for id in [known, forgotten, unmarked, running] { #expect(isThere(id, in: next)) }
                for path in others { #expect(FileManager.default.fileExists(atPath: path)) }
                #expect(await next.folder.isKept(unmarked))
            }
        }
    }
}
