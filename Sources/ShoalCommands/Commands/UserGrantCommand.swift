package import ArgumentParser
import NodeAPI

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// `shoal user grant`: gives tokens to a user, or takes them.
package struct UserGrantCommand: AsyncParsableCommand {
    package static let configuration = CommandConfiguration(
        commandName: "grant", abstract: "Give tokens to a user, or take them.")

    @OptionGroup package var output: OutputOptions

    @Option(name: .long, help: ArgumentHelp("What the ledger says about it.", valueName: "WHY"))
    package var reason = "granted on the command line"

    @Option(
        name: .long,
        help: ArgumentHelp("Sent again with the same key, it happens once (default: a new one).", valueName: "KEY"))
    package var key: String?

    @Flag(name: .long, help: "Take the tokens instead of giving them.")
    package var take = false

    @OptionGroup package var connection: ConnectionOptions

    @Argument(help: ArgumentHelp("The user's name.", valueName: "NAME"))
    package var username: String

    @Argument(help: "How many.")
    package var tokens: Int

    package init() {}

    package mutating func validate() throws {
        guard tokens > 0 else { throw ValidationError("the number of tokens must be 1 or more; --take takes them") }
    }

    package func run() async throws {
        struct Content: Encodable, Sendable {
            var tokens: Int
            var reason: String
        }
        let key = key ?? UUID().uuidString
        let body = try await NodeClient.with(try connection.target()) { client in
            try await client.post(
                "/admin/api/users/\(client.user(username).id)/tokens",
                Content(tokens: take ? -tokens : tokens, reason: reason),
                headers: ["idempotency-key": key])
        }
        guard !output.json else {
            Terminal.write(body)
            return Terminal.newLine()
        }
        let answer: GrantBody = try NodeClient.decode(body)
        Terminal.line("\(username): \(answer.balance) tokens")
    }
}
