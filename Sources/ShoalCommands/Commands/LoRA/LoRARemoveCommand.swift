package import Adapters
package import ArgumentParser

/// `shoal lora rm`: moves a LoRA file to the bin.
package struct LoRARemoveCommand: AsyncParsableCommand {
    package static let configuration = CommandConfiguration(
        commandName: "rm", abstract: "Move a LoRA file to the bin.", aliases: ["remove"])

    @OptionGroup package var output: OutputOptions
    @OptionGroup package var connection: ConnectionOptions

    @Argument(help: ArgumentHelp("The file, as “shoal lora list” has it.", valueName: "TYPE/NAME"))
    package var path: LoRAPath

    package init() {}

    package func run() async throws {
        let body = try await NodeClient.with(try connection.target()) {
            try await $0.delete("/api/v1/admin/lora", ["partial_path": "\(path)"])
        }
        if output.json {
            Terminal.write(body)
            return Terminal.newLine()
        }
        Terminal.line("\(path): in the bin; “shoal lora restore” brings it back")
    }
}
