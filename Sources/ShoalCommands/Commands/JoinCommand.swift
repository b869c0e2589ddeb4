package import ArgumentParser
import Files
import NodeAPI

/// `shoal join`: takes a running node into the swarm of an invite code.
package struct JoinCommand: AsyncParsableCommand {
    package static let configuration = CommandConfiguration(
        commandName: "join",
        abstract: "Take a running node into the swarm of an invite code.",
        discussion: """
            A code of “-” is read from standard input, where nobody else sees it. A node that does not run yet joins with “shoal serve \
            --join-file FILE”.
            """)

    @OptionGroup package var output: OutputOptions
    @OptionGroup package var connection: ConnectionOptions

    @Argument(help: "The code that “shoal invite” printed on a node of the swarm (swarm://…).")
    package var code: String

    package init() {}

    package mutating func validate() throws {
        guard code == "-" || code.hasPrefix("swarm://") || code.hasPrefix("/ip") || code.hasPrefix("/dns") else {
            throw ValidationError("the code must begin with swarm://, as “shoal invite” prints it")
        }
        guard code.utf8.count <= 4096 else { throw ValidationError("the code is longer than any invite code") }
    }

    package func run() async throws {
        struct Content: Encodable { var code: String }
        ProcessArguments.hide(code)
        let content = Content(code: code == "-" ? try InviteCode.read(from: "-") : code)
        let body = try await NodeClient.with(try connection.target()) {
            try await $0.post("/api/admin/join-network", content)
        }
        if output.json {
            Terminal.write(body)
            Terminal.newLine()
        } else {
            let answer: JoinedNetworkBody = try NodeClient.decode(body)
            Terminal.line(answer.message)
        }
    }
}
