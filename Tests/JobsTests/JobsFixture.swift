import Events
import Files
import Foundation
import GRDB
import Logging
import ServiceLifecycle
import Store
import Synchronization
import Testing

@testable import Accounts
@testable import Jobs

/// A trainer that does what a test tells it to.
final class HandTrainer: Trainer {
    typealias Report = @Sendable (TrainingReport) async -> Void

    private let body: @Sendable (TrainingTask, Report) async throws -> Void
    private let state = Mutex<(now: Int, most: Int, tasks: [TrainingTask], leftovers: [[JobID]])>((0, 0, [], []))

    init(_ body: @escaping @Sendable (TrainingTask, Report) async throws -> Void = { _, _ in }) {
        self.body = body
    }

    /// Most trainings at one moment.
    var most: Int { state.withLock { $0.most } }
    var tasks: [TrainingTask] { state.withLock { $0.tasks } }
    var leftovers: [[JobID]] { state.withLock { $0.leftovers } }

    func train(_ task: TrainingTask, report: @escaping @Sendable (TrainingReport) async -> Void) async throws {
        state.withLock {
            $0.now += 1
            $0.most = max($0.most, $0.now)
            $0.tasks.append(task)
        }
        defer { state.withLock { $0.now -= 1 } }
        try await body(task, report)
    }

    func endLeftovers(of jobs: [JobID]) { state.withLock { $0.leftovers.append(jobs) } }

    /// Trains until it is cancelled.
    static var endless: HandTrainer {
        HandTrainer { _, _ in try await Task.sleep(for: .seconds(600)) }
    }
}

/// A door that tasks wait at until it is opened.
final class Gate: Sendable {
    private let (stream, continuation) = AsyncStream.makeStream(of: Never.self)
    func open() { continuation.finish() }
    func pass() async { for await _ in stream {} }
}

/// A data folder with accounts, files to train on, and a training service.
struct JobsFixture: Sendable {
    static let actor = AuditActor.nodeKey(from: "127.0.0.1")

    let root: String
    let store: Store
    let accounts: AccountServices
    let events = EventBus()
    let files: FileRoot

    init() throws {
        root = "\(FileManager.default.temporaryDirectory.path)/jobs-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: root + "/files/data", withIntermediateDirectories: true)
        try Data("a,b\n".utf8).write(to: URL(filePath: root + "/files/data/set.csv"))
        store = try Store(path: root + "/shoal.sqlite")
        var rules = AccountServices.Rules()
        rules.hashing.cost = .negligible
        accounts = try AccountServices(store: store, keyPath: root + "/jwt.key", rules: rules)
        files = FileRoot(path: root + "/files")
    }

    var settings: TrainingSettings { TrainingSettings(folder: root + "/training") }
    var ledger: TokenLedger { accounts.ledger }

    func service(
        _ trainer: (any Trainer)?, _ change: (inout TrainingSettings) -> Void = { _ in }
    ) async throws -> TrainingService {
        var settings = settings
        change(&settings)
        return try await TrainingService(
            settings: settings, files: files, trainer: trainer, accounts: accounts, store: store, events: events,
            logger: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() }))
    }

    func user(_ name: String = "ada", role: Role = .user, tokens: Int64 = 0) async throws -> JobOwner {
        let user = try await accounts.users.create(
            NewUser(
                username: Username(name), email: EmailAddress("\(name)@example.com"), role: role,
                password: Password("correct horse"), tokens: TokenAmount(tokens)),
            by: Self.actor)
        return .user(user.id, isAdministrator: role == .admin)
    }

    func balance(_ owner: JobOwner) async throws -> Int64 {
        try await ledger.balance(of: try #require(owner.user))
    }

    /// Gives a user as much as the ledger holds at most, whatever is set aside: the ledger would refuse it.
    func fillUp(_ owner: JobOwner) async throws {
        let user = try #require(owner.user).rawValue
        try await store.write { database in
            try database.execute(
                sql: """
                    INSERT INTO ledgerEntry (user, kind, amount, balance, key, reason, at)
                    SELECT user, 'grant', ?1 - balance, ?1, ?2, 'flood', at FROM ledgerEntry WHERE user = ?3
                    ORDER BY id DESC LIMIT 1
                    """,
                arguments: [TokenAmount.largest, UUID().uuidString, user])
        }
    }

    /// What must hold whenever nothing runs.
    func checkLedger() async throws {
        #expect(try await ledger.verify().faults == [])
        #expect(try await ledger.openReservations() == [])
        let open = try await store.read { try TrainingTable.open($0) }
        #expect(open == [])
    }
}

func withJobs(_ body: (JobsFixture) async throws -> Void) async throws {
    let fixture = try JobsFixture()
    defer { try? FileManager.default.removeItem(atPath: fixture.root) }
    try await body(fixture)
}

/// Runs the service while `body` runs, then stops it as a node does.
func whileRunning<Value: Sendable>(
    _ service: TrainingService, _ body: () async throws -> Value
) async throws -> Value {
    let group = ServiceGroup(
        configuration: .init(services: [.init(service: service)], logger: Logger(label: "test")))
    let running = Task { try await group.run() }
    defer { running.cancel() }
    let value = try await body()
    await group.triggerGracefulShutdown()
    try await running.value
    return value
}

extension TrainingService {
    /// Asks for a training of the test's data.
    @discardableResult
    func submit(
        for owner: JobOwner, key: String? = nil, model: String? = nil, path: String = "/data"
    ) async throws -> TrainingJob {
        try await submit(
            TrainingRequest(outputModel: model, description: "a test", path: path), for: owner,
            key: key.map { try IdempotencyKey($0) }, by: JobsFixture.actor
        ).job
    }
}

/// The code of the `JobError` that `body` throws; nil where it throws none or another.
func jobCode(_ body: () async throws -> Void) async -> JobError.Code? {
    do {
        try await body()
        return nil
    } catch { return (error as? JobError)?.code }
}
