import Accounts
import Logging
import ServiceLifecycle

/// What accounts need besides being asked: a look at the ledger, a first administrator, and an end of what has expired.
struct AccountUpkeep: Service {
    private static let interval: Duration = .seconds(3600)

    let accounts: AccountServices
    /// Whether somebody gets a password when nobody could log in as administrator.
    let makesFirstAdministrator: Bool
    /// Ends when the node is reached.
    let listening: AsyncStream<Void>
    /// Told the first administrator's password, to show it once.
    let onFirstAdministrator: @Sendable (OneTimePassword) -> Void

    func run() async throws {
        let logger = Logger(label: "accounts")
        await cancelWhenGracefulShutdown {
            for await _ in listening {}
            do {
                let check = try await accounts.ledger.verify()
                for fault in check.faults {
                    logger.error(
                        "the token ledger contradicts itself; restore a backup of shoal.sqlite",
                        metadata: ["fault": "\(fault)"])
                }
                if makesFirstAdministrator, let password = try await accounts.users.bootstrap() {
                    onFirstAdministrator(password)
                }
            } catch {
                logger.error("cannot look through the accounts", metadata: ["reason": "\(error)"])
            }
            while !Task.isCancelled {
                do {
                    try await accounts.sessions.removeExpired()
                } catch {
                    logger.warning("cannot remove sessions that have expired", metadata: ["reason": "\(error)"])
                }
                try? await Task.sleep(for: Self.interval)
            }
        }
    }
}
