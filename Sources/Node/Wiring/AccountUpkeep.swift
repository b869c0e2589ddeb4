import Accounts
import Logging
import ServiceLifecycle
import Store
import SystemPackage

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// What accounts need besides being asked: a first administrator, a look at the ledger, and somebody who writes down what requests
/// only take note of and ends what has expired.
struct AccountUpkeep: Service {
    private static let interval: Duration = .seconds(60)
    /// Intervals from one end of what has expired to the next.
    private static let intervalsToExpiry = 60
    /// Time for the last notes to be written down.
    private static let endLimit: Duration = .seconds(2)

    let accounts: AccountServices
    /// Whether somebody gets a password when nobody could log in as administrator.
    let makesFirstAdministrator: Bool
    /// Where that password lies until it is used.
    let passwordFile: String
    /// Ends when the node is reached.
    let listening: AsyncStream<Void>
    /// Told the first administrator's password, to show it once.
    let onFirstAdministrator: @Sendable (OneTimePassword) -> Void
    /// Waits before what could not be done at the start is tried again.
    var pause: @Sendable () async throws -> Void = { try await Task.sleep(for: .seconds(5)) }

    private let logger = Logger(label: "accounts")

    init(
        accounts: AccountServices, makesFirstAdministrator: Bool, passwordFile: String, listening: AsyncStream<Void>,
        onFirstAdministrator: @escaping @Sendable (OneTimePassword) -> Void
    ) {
        self.accounts = accounts
        self.makesFirstAdministrator = makesFirstAdministrator
        self.passwordFile = passwordFile
        self.listening = listening
        self.onFirstAdministrator = onFirstAdministrator
    }

    func run() async throws {
        await cancelWhenGracefulShutdown {
            for await _ in listening {}
            await retry("make a first administrator") {
                if makesFirstAdministrator { try await makeFirstAdministrator() }
            }
            await attempt("make ready for log-ins") { try await accounts.prepare() }
            await retry("look through the token ledger") {
                for fault in try await accounts.ledger.verify().faults {
                    logger.error(
                        "the token ledger contradicts itself; restore a backup of shoal.sqlite",
                        metadata: ["fault": "\(fault)"])
                }
            }
            var intervals = 0
            while !Task.isCancelled {
                await attempt("write down when accounts were used") { try await accounts.writeDown() }
                if intervals.isMultiple(of: Self.intervalsToExpiry) {
                    await attempt("remove sessions that have expired") { try await accounts.sessions.removeExpired() }
                }
                intervals += 1
                try? await Task.sleep(for: Self.interval)
            }
        }
        await writeDownAtEnd()
    }

    /// Shows the same password at each start until it is used, or nobody needs it any more.
    private func makeFirstAdministrator() async throws {
        let previous = (try? SmallFile.read(passwordFile, limit: 256)).map { String(decoding: $0, as: UTF8.self) }
        let text = previous.map { String($0.prefix { !$0.isNewline }) }
        guard let password = try await accounts.users.bootstrap(previous: text) else {
            if previous != nil { try? FileManager.default.removeItem(atPath: passwordFile) }
            return
        }
        if password.text != text {
            do throws(Errno) {
                try SmallFile.write(Array("\(password.text)\n".utf8), to: passwordFile)
            } catch {
                logger.warning(
                    "the one-time password cannot be kept; the next start makes another",
                    metadata: ["reason": "\(error)"])
            }
        }
        onFirstAdministrator(password)
    }

    /// Does something until it is done; gives up where trying again does not help.
    private func retry(_ what: String, _ body: () async throws -> Void) async {
        var isReported = false
        while !Task.isCancelled {
            do {
                return try await body()
            } catch {
                guard !Task.isCancelled else { return }
                guard Self.mayPass(error) else {
                    logger.error("cannot \(what)", metadata: ["reason": "\(error)"])
                    return
                }
                if !isReported { logger.warning("cannot \(what) yet", metadata: ["reason": "\(error)"]) }
                isReported = true
                try? await pause()
            }
        }
    }

    private func attempt(_ what: String, _ body: () async throws -> Void) async {
        // A password's hash takes a while, which a node that could not start does not have.
        guard !Task.isCancelled else { return }
        do { try await body() } catch {
            guard !Task.isCancelled else { return }
            logger.warning("cannot \(what)", metadata: ["reason": "\(error)"])
        }
    }

    /// Whether the same may succeed later: another program has the database, its disk is full, or too many log in.
    private static func mayPass(_ error: any Error) -> Bool {
        switch error {
        case let error as StoreError: [.busy, .full].contains(error.code)
        case let error as AccountError: error.code == .busy
        default: false
        }
    }

    /// Waits a moment for the last notes; the database may be locked for longer than the node has to stop.
    private func writeDownAtEnd() async {
        let (ended, end) = AsyncStream<Never>.makeStream()
        let writing = Task {
            await attempt("write down when accounts were used") { try await accounts.writeDown(isEnd: true) }
            end.finish()
        }
        let limit = Task {
            try? await Task.sleep(for: Self.endLimit)
            end.finish()
        }
        for await _ in ended {}
        writing.cancel()
        limit.cancel()
    }
}
