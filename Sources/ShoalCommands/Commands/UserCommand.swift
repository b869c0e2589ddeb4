package import ArgumentParser

/// `shoal user`: who may use the node.
package struct UserCommand: AsyncParsableCommand {
    package static let configuration = CommandConfiguration(
        commandName: "user",
        abstract: "Add, list, change and remove users, and grant them tokens.",
        subcommands: [
            UserAddCommand.self, UserListCommand.self, UserShowCommand.self, UserSetCommand.self, UserGrantCommand.self,
            UserRemoveCommand.self,
        ],
        defaultSubcommand: UserListCommand.self)

    package init() {}
}
