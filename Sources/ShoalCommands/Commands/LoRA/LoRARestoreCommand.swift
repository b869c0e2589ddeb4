package import Adapters
package import ArgumentParser
import NodeAPI

/// `shoal lora restore`: moves a LoRA file out of the bin.
package struct LoRARestoreCommand: AsyncParsableCommand {
    package static let configuration = CommandConfiguration(
        commandName: "restore", abstract: "Move a LoRA file from the bin to where it was.",
        discussion:
            "Prints the file's path in the library: where its name has been taken since, that is another version.")

    @OptionGroup package var output: OutputOptions

    @Flag(name: .long, help: "Refuse instead of taking another version of the name.")
    package var keepName = false

    @OptionGroup package var connection: ConnectionOptions

    @Argument(help: ArgumentHelp("The file, as “shoal lora list --bin” has it.", valueName: "TYPE/NAME"))
    package var path: LoRAPath

    package init() {}

    package func run() async throws {
        let request = Request(partialPath: "\(path)", useSafeFilename: !keepName)
        let body = try await NodeClient.with(try connection.target()) {
            try await $0.post("/api/v1/admin/lora/restore", request)
        }
        if output.json {
            Terminal.write(body)
            return Terminal.newLine()
        }
        let file: LoRABody = try NodeClient.decode(body)
        Terminal.line(file.partialPath)
    }

    private struct Request: Encodable, Sendable {
        var partialPath: String
        var useSafeFilename: Bool
    }
}
