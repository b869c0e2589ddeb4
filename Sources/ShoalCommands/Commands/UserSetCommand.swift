package import ArgumentParser
import NodeAPI

/// `shoal user set`: changes a user.
package struct UserSetCommand: AsyncParsableCommand {
    package static let configuration = CommandConfiguration(
        commandName: "set", abstract: "Change a user; what is not given stays as it is.",
        discussion: """
            Another role, another password and --deactivate end the user's sessions and bearer tokens at once; --deactivate \
            also revokes their API tokens for good.
            """)

    @OptionGroup package var output: OutputOptions

    @Option(name: .long, help: "admin or user.")
    package var role: String?

    @Option(name: .long, help: "E-mail address.")
    package var email: String?

    @Flag(name: .long, help: "Ask for a new password.")
    package var password = false

    @Flag(name: .customLong("activate"), help: "Let the user in again.")
    package var activates = false

    @Flag(name: .customLong("deactivate"), help: "Shut the user out.")
    package var deactivates = false

    @OptionGroup package var connection: ConnectionOptions

    @Argument(help: ArgumentHelp("The user's name.", valueName: "NAME"))
    package var username: String

    package init() {}

    package mutating func validate() throws {
        if let role, !["admin", "user"].contains(role) {
            throw ValidationError("--role must be admin or user, not \(role)")
        }
        if activates && deactivates { throw ValidationError("--activate and --deactivate exclude each other") }
        if role == nil, email == nil, !password, !activates, !deactivates {
            throw ValidationError("nothing to change; “shoal user show \(username)” shows the user")
        }
    }

    package func run() async throws {
        struct Content: Encodable, Sendable {
            var role: String?
            var email: String?
            var password: String?
            var active: Bool?
        }
        let content = Content(
            role: role, email: email, password: password ? try Terminal.newPassword(of: username) : nil,
            active: activates ? true : deactivates ? false : nil)
        let body = try await NodeClient.with(try connection.target()) { client in
            try await client.patch("/admin/api/users/\(client.user(username).id)", content)
        }
        guard !output.json else {
            Terminal.write(body)
            return Terminal.newLine()
        }
        let user: UserBody = try NodeClient.decode(body)
        Terminal.line("\(user.username): \(user.role), \(user.active ? "active" : "deactivated")")
    }
}
