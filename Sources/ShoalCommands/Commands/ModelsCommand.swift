package import ArgumentParser

/// `shoal models`: the models of the swarm.
package struct ModelsCommand: AsyncParsableCommand {
    package static let configuration = CommandConfiguration(
        commandName: "models",
        abstract: "List, load, unload and lock models.",
        subcommands: [
            ModelsListCommand.self, ModelsLoadCommand.self, ModelsUnloadCommand.self, ModelsLockCommand.self,
            ModelsUnlockCommand.self,
        ],
        defaultSubcommand: ModelsListCommand.self)

    package init() {}
}
