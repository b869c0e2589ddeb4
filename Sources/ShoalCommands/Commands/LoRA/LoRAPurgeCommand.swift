package import Adapters
package import ArgumentParser
import NodeAPI

/// `shoal lora purge`: removes what is in the bin for good.
package struct LoRAPurgeCommand: AsyncParsableCommand {
    package static let configuration = CommandConfiguration(
        commandName: "purge", abstract: "Remove a file of the bin, or all of them, for good.")

    @OptionGroup package var output: OutputOptions

    @Flag(name: .long, help: "Empty the bin.")
    package var all = false

    @OptionGroup package var connection: ConnectionOptions

    @Argument(help: ArgumentHelp("The file, as “shoal lora list --bin” has it.", valueName: "TYPE/NAME"))
    package var path: LoRAPath?

    package init() {}

    package mutating func validate() throws {
        guard all != (path != nil) else { throw ValidationError("give either a file or --all") }
    }

    package func run() async throws {
        let request = Request(partialPath: path.map { "\($0)" }, all: all ? true : nil)
        let body = try await NodeClient.with(try connection.target()) {
            try await $0.delete("/api/v1/admin/lora/bin", request)
        }
        if output.json {
            Terminal.write(body)
            return Terminal.newLine()
        }
        let answer: LoRAPurgeBody = try NodeClient.decode(body)
        Terminal.line("\(answer.purged) \(answer.purged == 1 ? "file" : "files") removed")
    }

    private struct Request: Encodable, Sendable {
        var partialPath: String?
        var all: Bool?
    }
}
