import Accounts
package import ArgumentParser
import Node
import NodeAPI
import Store

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// `shoal user add`: makes a user, of a running node or of one that does not run yet.
package struct UserAddCommand: AsyncParsableCommand {
    package static let configuration = CommandConfiguration(
        commandName: "add", abstract: "Make a user.",
        discussion: """
            The password is asked for; where nobody types, it is the first line of standard input. While no node runs on the \
            data directory, the user is put into it directly: so the first administrator can be made before the first start.
            """)

    @OptionGroup package var output: OutputOptions

    @Flag(name: .long, help: "Make an administrator.")
    package var admin = false

    @Option(name: .long, help: "E-mail address (default: NAME@localhost).")
    package var email: String?

    @Option(name: .long, help: "Tokens to begin with (default: 0).")
    package var tokens = 0

    @OptionGroup package var connection: ConnectionOptions

    @Argument(help: ArgumentHelp("The name to log in with.", valueName: "NAME"))
    package var username: String

    package init() {}

    package mutating func validate() throws {
        guard tokens >= 0 else { throw ValidationError("--tokens must be 0 or more, not \(tokens)") }
    }

    package func run() async throws {
        let target = try connection.target(mayBeAway: true)
        let isOffline = target.source == .assumed
        if isOffline { try await checkThatNoNodeRuns(on: target) }
        // What cannot be is said before anybody types a password.
        let name = try Username(username)
        let address = try EmailAddress(email ?? "\(username)@localhost")
        let password = try Terminal.newPassword(of: username)
        guard !isOffline else {
            return try await addDirectly(name, address, try Password(password), to: target.directory)
        }
        struct Content: Encodable, Sendable {
            var username: String
            var email: String
            var role: String
            var password: String
            var tokens: Int
        }
        let content = Content(
            username: username, email: address.rawValue, role: role.rawValue, password: password, tokens: tokens)
        let body = try await NodeClient.with(target) { try await $0.post("/admin/api/users", content) }
        guard !output.json else {
            Terminal.write(body)
            return Terminal.newLine()
        }
        let user: UserBody = try NodeClient.decode(body)
        Terminal.line("\(user.username): \(user.role), \(user.tokens) tokens")
    }

    private var role: Role { admin ? .admin : .user }

    /// - Throws: `CommandError` where a node starts or runs that the user may be meant for, and where the files would be another
    ///   user's than the node's.
    private func checkThatNoNodeRuns(on target: NodeTarget) async throws {
        let directory = target.directory
        guard !directory.isInUse else {
            throw CommandError(
                "something is using \(directory.path) and does not say where it listens", hint: "try again in a moment")
        }
        if connection.dataDir == nil, (try? await NodeClient.with(target, { try await $0.get("/health") })) != nil {
            throw CommandError(
                "a node answers at \(target.address), and it is not that of \(directory.path)",
                hint: "name its data directory with --data-dir, or it with --url and --api-key")
        }
        guard directory.isOwn else {
            throw CommandError(
                "\(directory.path) belongs to another user, whose node could not read what is put into it",
                hint: "run this as that user")
        }
    }

    private func addDirectly(
        _ name: Username, _ address: EmailAddress, _ password: Password, to directory: DataDirectory
    ) async throws {
        try directory.create()
        let lock = try directory.lock()
        let accounts = try AccountServices(store: Store(path: directory.database), keyPath: directory.jwtKey)
        let user = try await accounts.users.create(
            NewUser(
                username: name, email: address, role: role, password: password, tokens: try TokenAmount(Int64(tokens))),
            by: .commandLine)
        _ = consume lock
        Terminal.errorLine("put into \(directory.path), on which no node runs")
        if output.json {
            let body = UserBody(
                id: Int(user.id.rawValue), username: user.username.rawValue, email: user.email.rawValue,
                role: user.role.rawValue, tokens: Int(user.tokens), active: user.isActive,
                createdAt: user.created.formatted(.iso8601))
            Terminal.line(try BodyCoding.encode(body))
        } else {
            Terminal.line("\(user.username): \(user.role.rawValue), \(user.tokens) tokens")
        }
    }
}
