package import ArgumentParser

/// `shoal lora`: the LoRA files of a node.
package struct LoRACommand: AsyncParsableCommand {
    package static let configuration = CommandConfiguration(
        commandName: "lora",
        abstract: "Upload, list, delete and restore LoRA files.",
        subcommands: [
            LoRAListCommand.self, LoRAShowCommand.self, LoRAUploadCommand.self, LoRARemoveCommand.self,
            LoRARestoreCommand.self, LoRAPurgeCommand.self,
        ],
        defaultSubcommand: LoRAListCommand.self)

    package init() {}
}
