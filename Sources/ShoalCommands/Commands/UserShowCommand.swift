package import ArgumentParser
import NodeAPI

/// `shoal user show`: a user, and how the balance came about.
package struct UserShowCommand: AsyncParsableCommand {
    package static let configuration = CommandConfiguration(
        commandName: "show", abstract: "Show a user, and the latest entries of the token ledger.")

    @OptionGroup package var output: OutputOptions

    @Option(name: .long, help: "Most entries to show, 1 to 1000.")
    package var limit = 20

    @OptionGroup package var connection: ConnectionOptions

    @Argument(help: ArgumentHelp("The user's name.", valueName: "NAME"))
    package var username: String

    package init() {}

    package mutating func validate() throws {
        guard (1...1000).contains(limit) else { throw ValidationError("--limit must be from 1 to 1000, not \(limit)") }
    }

    package func run() async throws {
        try await NodeClient.with(try connection.target()) { client in
            let user = try await client.user(username)
            let body = try await client.get("/admin/api/users/\(user.id)/tokens?limit=\(limit)")
            guard !output.json else {
                Terminal.write(#"{"user":"#)
                Terminal.write(try await client.get("/admin/api/users/\(user.id)"))
                Terminal.write(#","ledger":"#)
                Terminal.write(body)
                return Terminal.line("}")
            }
            let ledger: LedgerBody = try NodeClient.decode(body)
            Terminal.line("user     \(user.username) (\(user.id))")
            Terminal.line("e-mail   \(user.email)")
            Terminal.line("role     \(user.role)\(user.active ? "" : ", deactivated")")
            Terminal.line("since    \(user.createdAt)")
            Terminal.line("tokens   \(ledger.balance)")
            guard !ledger.entries.isEmpty else { return }
            Terminal.newLine()
            let table = Table(
                headers: LedgerBody.Entry.headers, rows: ledger.entries.map(\.cells),
                rightAligned: LedgerBody.Entry.rightAligned)
            for line in table.lines() { Terminal.line(line) }
        }
    }
}
