package import ArgumentParser

/// `shoal downloads`: what the node fetches.
package struct DownloadsCommand: AsyncParsableCommand {
    package static let configuration = CommandConfiguration(
        commandName: "downloads",
        abstract: "List, watch and cancel downloads.",
        subcommands: [DownloadsListCommand.self, DownloadsCancelCommand.self],
        defaultSubcommand: DownloadsListCommand.self)

    package init() {}
}
