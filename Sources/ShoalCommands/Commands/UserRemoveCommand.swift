package import ArgumentParser
import NodeAPI

/// `shoal user remove`: removes a user.
package struct UserRemoveCommand: AsyncParsableCommand {
    package static let configuration = CommandConfiguration(
        commandName: "remove", abstract: "Remove a user with their sessions and tokens.",
        discussion:
            "The ledger and the audit log keep what they say. “shoal user set NAME --deactivate” can be undone.",
        aliases: ["rm"])

    @OptionGroup package var output: OutputOptions
    @OptionGroup package var connection: ConnectionOptions

    @Argument(help: ArgumentHelp("The user's name.", valueName: "NAME"))
    package var username: String

    package init() {}

    package func run() async throws {
        let body = try await NodeClient.with(try connection.target()) { client in
            try await client.delete("/admin/api/users/\(client.user(username).id)")
        }
        guard !output.json else {
            Terminal.write(body)
            return Terminal.newLine()
        }
        Terminal.line("\(username): removed")
    }
}
