package import Adapters
package import ArgumentParser
import NodeAPI

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// `shoal lora show`: one LoRA file.
package struct LoRAShowCommand: AsyncParsableCommand {
    package static let configuration = CommandConfiguration(commandName: "show", abstract: "Show a LoRA file.")

    @OptionGroup package var output: OutputOptions
    @OptionGroup package var connection: ConnectionOptions

    @Argument(help: ArgumentHelp("The file, as “shoal lora list” has it.", valueName: "TYPE/NAME"))
    package var path: LoRAPath

    package init() {}

    package func run() async throws {
        let list: LoRAListBody<LoRABody> = try await NodeClient.with(try connection.target()) {
            try await $0.loras(at: "/api/v1/admin/lora", type: path.type.rawValue)
        }
        guard let file = list.files.first(where: { $0.partialPath == "\(path)" }) else {
            throw CommandError("there is no file \(path)", hint: "“shoal lora list” shows those that there are")
        }
        guard !output.json else {
            Terminal.write(try BodyCoding.encode(file))
            return Terminal.newLine()
        }
        Terminal.line("file      \(file.partialPath)")
        Terminal.line("path      \(file.filePath)")
        Terminal.line("size      \(Figures.bytes(file.fileSize)) (\(file.fileSize) bytes)")
        Terminal.line("uploaded  \(file.uploadTimestamp)")
        Terminal.line("sha-256   \(file.sha256 ?? "not known yet")")
    }
}

/// A LoRA file's path on the command line: `styles/name.safetensors`.
extension LoRAPath: ExpressibleByArgument {
    package init?(argument: String) { try? self.init(partialPath: argument) }
}
