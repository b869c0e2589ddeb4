package import ArgumentParser
import NodeAPI

/// `shoal token`: what programs log in with.
package struct TokenCommand: AsyncParsableCommand {
    package static let configuration = CommandConfiguration(
        commandName: "token",
        abstract: "Make, list and revoke API tokens.",
        subcommands: [TokenAddCommand.self, TokenListCommand.self, TokenRemoveCommand.self],
        defaultSubcommand: TokenListCommand.self)

    package init() {}
}

/// Whose tokens a command is about.
package struct TokenOwner: ParsableArguments {
    @Option(
        name: .long, help: ArgumentHelp("Whose it is; needed with the node's key, which is no user.", valueName: "NAME")
    )
    package var user: String?

    package init() {}

    /// The owner's id; nil for the caller.
    func id(_ client: NodeClient) async throws -> Int? {
        guard let user else { return nil }
        return try await client.user(user).id
    }
}

/// `shoal token add`: makes an API token.
package struct TokenAddCommand: AsyncParsableCommand {
    package static let configuration = CommandConfiguration(
        commandName: "add", abstract: "Make an API token, and print it this once.")

    @OptionGroup package var output: OutputOptions
    @OptionGroup package var secret: SecretOutput
    @OptionGroup package var owner: TokenOwner
    @OptionGroup package var connection: ConnectionOptions

    @Argument(help: ArgumentHelp("What it is for.", valueName: "NAME"))
    package var name: String

    package init() {}

    package func run() async throws {
        try secret.refuse(with: output)
        struct Content: Encodable, Sendable {
            var name: String
            var userId: Int?
        }
        let body = try await NodeClient.with(try connection.target()) { client in
            try await client.post("/admin/api/api_tokens", Content(name: name, userId: try await owner.id(client)))
        }
        guard !output.json else {
            Terminal.write(body)
            return Terminal.newLine()
        }
        let token: APITokenBody = try NodeClient.decode(body)
        try secret.put(token.token)
        Terminal.errorLine("keep it: it is shown this once. “shoal token remove \(token.id)” revokes it.")
    }
}

/// `shoal token list`: a user's API tokens.
package struct TokenListCommand: AsyncParsableCommand {
    package static let configuration = CommandConfiguration(commandName: "list", abstract: "List a user's API tokens.")

    @OptionGroup package var list: ListOptions
    @OptionGroup package var owner: TokenOwner
    @OptionGroup package var connection: ConnectionOptions

    package init() {}

    package func run() async throws {
        let body = try await NodeClient.with(try connection.target()) { client in
            let query = try await owner.id(client).map { "?user_id=\($0)" } ?? ""
            return try await client.get("/admin/api/api_tokens\(query)")
        }
        let tokens: APITokenListBody = try NodeClient.decode(body)
        list.print(tokens.tokens, body: body, empty: "no API tokens; “shoal token add NAME” makes one")
    }
}

/// `shoal token remove`: revokes an API token.
package struct TokenRemoveCommand: AsyncParsableCommand {
    package static let configuration = CommandConfiguration(
        commandName: "remove", abstract: "Revoke an API token.", aliases: ["rm", "revoke"])

    @OptionGroup package var output: OutputOptions
    @OptionGroup package var connection: ConnectionOptions

    @Argument(help: "The token's id, as “shoal token list” shows it.")
    package var id: Int

    package init() {}

    package func run() async throws {
        let body = try await NodeClient.with(try connection.target()) {
            try await $0.delete("/admin/api/api_tokens/\(id)")
        }
        guard !output.json else {
            Terminal.write(body)
            return Terminal.newLine()
        }
        Terminal.line("API token \(id): revoked")
    }
}
