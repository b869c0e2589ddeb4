package import ArgumentParser
import NodeAPI

/// `shoal cluster token`: what workers join with.
package struct ClusterTokenCommand: AsyncParsableCommand {
    package static let configuration = CommandConfiguration(
        commandName: "token",
        abstract: "Make, list and revoke cluster tokens, with which workers join.",
        subcommands: [ClusterTokenAddCommand.self, ClusterTokenListCommand.self, ClusterTokenRemoveCommand.self],
        defaultSubcommand: ClusterTokenListCommand.self)

    package init() {}
}

extension ClusterTokenBody: ListRow {
    static let headers = ["ID", "NAME", "TOKEN", "STATE", "MADE"]
    static let rightAligned: Set<Int> = [0]

    var listName: String { "\(id)" }

    var cells: [String] { ["\(id)", name, token, active ? "active" : "revoked", createdAt] }
}

/// `shoal cluster token add`: makes a cluster token.
package struct ClusterTokenAddCommand: AsyncParsableCommand {
    package static let configuration = CommandConfiguration(
        commandName: "add", abstract: "Make a cluster token, and print it this once.")

    @OptionGroup package var output: OutputOptions
    @OptionGroup package var secret: SecretOutput
    @OptionGroup package var connection: ConnectionOptions

    @Argument(help: ArgumentHelp("What it is for.", valueName: "NAME"))
    package var name: String

    package init() {}

    package func run() async throws {
        try secret.refuse(with: output)
        let body = try await NodeClient.with(try connection.target()) {
            try await $0.post("/admin/api/cluster_tokens", ["name": name])
        }
        guard !output.json else {
            Terminal.write(body)
            return Terminal.newLine()
        }
        let token: ClusterTokenBody = try NodeClient.decode(body)
        try secret.put(token.token)
        Terminal.errorLine(
            "keep it: it is shown this once. “shoal worker --master HOST:PORT --token-file FILE” joins with it, “shoal cluster token remove \(token.id)” revokes it."
        )
    }
}

/// `shoal cluster token list`: the cluster tokens of a node.
package struct ClusterTokenListCommand: AsyncParsableCommand {
    package static let configuration = CommandConfiguration(
        commandName: "list", abstract: "List the cluster tokens, those that were revoked included.")

    @OptionGroup package var list: ListOptions
    @OptionGroup package var connection: ConnectionOptions

    package init() {}

    package func run() async throws {
        let body = try await NodeClient.with(try connection.target()) { try await $0.get("/admin/api/cluster_tokens") }
        let tokens: ClusterTokenListBody = try NodeClient.decode(body)
        list.print(tokens.tokens, body: body, empty: "no cluster tokens; “shoal cluster token add NAME” makes one")
    }
}

/// `shoal cluster token remove`: revokes a cluster token.
package struct ClusterTokenRemoveCommand: AsyncParsableCommand {
    package static let configuration = CommandConfiguration(
        commandName: "remove", abstract: "Revoke a cluster token; its workers are cut off at once.",
        aliases: ["rm", "revoke"])

    @OptionGroup package var output: OutputOptions
    @OptionGroup package var connection: ConnectionOptions

    @Argument(help: "The token's id, as “shoal cluster token list” shows it.")
    package var id: Int

    package init() {}

    package func run() async throws {
        let body = try await NodeClient.with(try connection.target()) {
            try await $0.delete("/admin/api/cluster_tokens/\(id)")
        }
        guard !output.json else {
            Terminal.write(body)
            return Terminal.newLine()
        }
        Terminal.line("cluster token \(id): revoked")
    }
}
