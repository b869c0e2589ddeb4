package import ArgumentParser
import Node
import SystemPackage

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// `shoal logs`: what the node or worker on this machine logged, also when it has ended.
package struct LogsCommand: AsyncParsableCommand {
    package static let configuration = CommandConfiguration(
        commandName: "logs", abstract: "Print what the node on this machine logged, also when it has ended.",
        discussion: "“shoal jobs log JOB” prints what a training wrote.")

    @Option(
        name: [.customShort("n"), .customLong("tail")],
        help: ArgumentHelp("How many of the last lines to print (default: 100).", valueName: "LINES"))
    package var lines = 100

    @Flag(name: .shortAndLong, help: "Go on with what comes, until Ctrl-C.")
    package var follow = false

    @Option(
        name: .long,
        help: ArgumentHelp("Data directory of the node or worker (or SHOAL_DATA_DIR).", valueName: "DIR"))
    package var dataDir: String?

    package init() {}

    package mutating func validate() throws {
        guard lines >= 0 else { throw ValidationError("--tail must be 0 or more, not \(lines)") }
    }

    package func run() async throws {
        let environment = ProcessInfo.processInfo.environment
        let directory = DataDirectory(path: try Settings.dataDirectory(flag: dataDir, environment: environment))
        var tail = try LogTail(path: directory.log, directory: directory.path)
        Terminal.write(tail.last(lines))
        while follow {
            try await Task.sleep(for: .milliseconds(200))
            // Until nobody reads any more.
            guard (try? FileDescriptor.standardOutput.writeAll(tail.next())) != nil else { return }
        }
    }
}
