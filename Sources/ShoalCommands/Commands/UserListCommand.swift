package import ArgumentParser
import NodeAPI

/// `shoal user list`: every user.
package struct UserListCommand: AsyncParsableCommand {
    package static let configuration = CommandConfiguration(commandName: "list", abstract: "List the users.")

    @OptionGroup package var list: ListOptions
    @OptionGroup package var connection: ConnectionOptions

    package init() {}

    package func run() async throws {
        let body = try await NodeClient.with(try connection.target()) { try await $0.get("/admin/api/users") }
        let users: UserListBody = try NodeClient.decode(body)
        list.print(users.users, body: body, empty: "no users yet; “shoal user add NAME --admin” makes one")
    }
}
