package import ArgumentParser
import NodeAPI

/// `shoal invite`: the code that lets another machine into the swarm.
package struct InviteCommand: AsyncParsableCommand {
    package static let configuration = CommandConfiguration(
        commandName: "invite",
        abstract: "Print the code that lets another machine into this node's swarm.",
        discussion: "Whoever has the code can join: pass it on as you would a password.")

    @OptionGroup package var output: OutputOptions
    @OptionGroup package var secret: SecretOutput
    @OptionGroup package var connection: ConnectionOptions

    package init() {}

    package func run() async throws {
        try secret.refuse(with: output)
        let body = try await NodeClient.with(try connection.target()) { try await $0.get("/api/admin/network-code") }
        if output.json {
            Terminal.write(body)
            Terminal.newLine()
        } else {
            let answer: NetworkCodeBody = try NodeClient.decode(body)
            try secret.put(answer.code)
        }
    }
}
