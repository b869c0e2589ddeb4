package import ArgumentParser
package import Identifiers
import ModelLibrary

/// `shoal downloads cancel`: ends a download.
package struct DownloadsCancelCommand: AsyncParsableCommand {
    package static let configuration = CommandConfiguration(
        commandName: "cancel", abstract: "End a download; shards that are here stay.")

    @OptionGroup package var output: OutputOptions
    @OptionGroup package var connection: ConnectionOptions

    @Argument(help: "The model's id, as “shoal downloads” lists it.")
    package var model: ModelID

    package init() {}

    package func run() async throws {
        let body = try await NodeClient.with(try connection.target()) {
            try await $0.post("/api/admin/downloads/\(model)/cancel")
        }
        if output.json {
            Terminal.write(body)
            return Terminal.newLine()
        }
        Terminal.line("\(model): cancelled")
    }
}
