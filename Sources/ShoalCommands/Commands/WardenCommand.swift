package import ArgumentParser
internal import CWarden

#if canImport(Glibc)
    internal import Glibc
#else
    internal import Darwin
#endif

/// `shoal warden`: the process in which the node runs a training command; nobody else calls it.
package struct WardenCommand: ParsableCommand {
    package static let configuration = CommandConfiguration(
        commandName: "warden", abstract: "Run a command, and end all that comes of it when it or the caller ends.",
        shouldDisplay: false)

    @Argument(parsing: .captureForPassthrough)
    package var command: [String] = []

    package init() {}

    package func validate() throws {
        guard !command.isEmpty else { throw ValidationError("name the command to run") }
    }

    package func run() {
        var words: [UnsafeMutablePointer<CChar>?] = command.map { strdup($0) }
        words.append(nil)
        shoal_warden(words)
    }
}
