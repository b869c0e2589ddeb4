import Accounts
import Foundation
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
}
