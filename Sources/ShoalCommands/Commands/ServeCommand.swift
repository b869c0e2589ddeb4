import Accounts
package import ArgumentParser
import Files
import Node

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// `shoal serve`: runs a node until it is told to stop.
package struct ServeCommand: AsyncParsableCommand {
    package static let configuration = CommandConfiguration(
        commandName: "serve",
        abstract: "Run a node.",
        discussion: """
            The first line on standard output is “listening on http://127.0.0.1:PORT”, printed once the node answers. \
            Ctrl-C or SIGTERM stops it within 10 seconds, finishing what it can.
            Every setting comes from its flag, else from SHOAL_<SECTION>_<KEY>, else from shoal.yaml in the data directory.
            """)

    @Option(
        name: .long, help: ArgumentHelp("Settings file (default: shoal.yaml in the data directory).", valueName: "FILE")
    )
    package var config: String?

    @Option(
        name: .long,
        help: ArgumentHelp(
            "Where the node keeps everything (or SHOAL_DATA_DIR; default: ~/.local/share/shoal).", valueName: "DIR"))
    package var dataDir: String?

    @Option(name: .long, help: "Address of the HTTP interface (default: 127.0.0.1).")
    package var host: String?

    @Option(name: .long, help: "Port of the HTTP interface, 0 for any free one (default: 8800).")
    package var port: Int?

    @Option(name: .long, help: "Address that other nodes connect to (default: 0.0.0.0).")
    package var swarmHost: String?

    @Option(name: .long, help: "Port that other nodes connect to, 0 for any free one (default: 8801).")
    package var swarmPort: Int?

    @Option(
        name: .long,
        help: ArgumentHelp(
            "Join the swarm of this invite code. Other users of the machine may see it for a moment: --join-file shows it to nobody.",
            valueName: "CODE"))
    package var join: String?

    @Option(
        name: .long,
        help: ArgumentHelp("Join the swarm of the invite code in this file; “-”: in standard input.", valueName: "FILE")
    )
    package var joinFile: String?

    @Option(name: .long, help: "Least level to log: trace, debug, info, notice, warning, error or critical.")
    package var logLevel: String?

    @Option(name: .long, help: "Log as text or json.")
    package var logFormat: String?

    package init() {}

    package mutating func validate() throws {
        for (name, port) in [("--port", port), ("--swarm-port", swarmPort)] {
            if let port, !(0...65535).contains(port) {
                throw ValidationError("\(name) must be from 0 to 65535, not \(port)")
            }
        }
        for (name, value, words) in [
            ("--log-level", logLevel, Settings.Log.levels), ("--log-format", logFormat, Settings.Log.formats),
        ] {
            if let value, !words.contains(value) {
                throw ValidationError("\(name) must be one of \(words.joined(separator: ", ")), not \(value)")
            }
        }
        if let join, !join.hasPrefix("swarm://") {
            throw ValidationError("--join needs a code that begins with swarm://, as “shoal invite” prints it")
        }
        if join != nil, joinFile != nil { throw ValidationError("--join and --join-file exclude each other") }
    }

    package func run() async throws {
        if let join { ProcessArguments.hide(join) }
        var flags = flags
        if let joinFile { flags["swarm.join"] = try InviteCode.read(from: joinFile) }
        let settings = try Settings.load(
            flags: flags, environment: ProcessInfo.processInfo.environment, configurationFile: config)
        try await NodeDaemon.run(
            settings, onListening: { Terminal.line("listening on \($0)") },
            onFirstAdministrator: { password in
                Terminal.line(
                    """
                    No administrator has a password yet. The one-time password of \(password.username) is \(password.text)
                    Log in with it at once and choose another (“shoal user set \(password.username) --password”), or make an \
                    administrator with “shoal user add NAME --admin”.
                    """)
            })
    }

    /// The flags that were given, by setting key.
    var flags: [String: String] {
        let values: [String: String?] = [
            "node.data_dir": dataDir,
            "api.host": host,
            "api.port": port.map(String.init),
            "swarm.host": swarmHost,
            "swarm.port": swarmPort.map(String.init),
            "swarm.join": join,
            "log.level": logLevel,
            "log.format": logFormat,
        ]
        return values.compactMapValues { $0 }
    }
}
