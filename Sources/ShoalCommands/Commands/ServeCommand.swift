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

    @Option(
        name: .long,
        help: "What the swarm calls this node (default: the machine's name, or one made up where that says nothing).")
    package var name: String?

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
            settings,
            onListening: { url in
                Terminal.line("listening on \(url)")
                if let warning = Self.openness(of: settings.api.host, url: url) { Terminal.errorLine(warning) }
            },
            onFirstAdministrator: { password in
                Terminal.line(
                    """
                    No administrator has a password yet. The one-time password of \(password.username) is \(password.text)
                    “shoal login \(password.username)” takes it and asks for another one; “shoal user add NAME --admin” makes somebody \
                    else the administrator. Until then it stays the same, and stands in \
                    \(DataDirectory(path: settings.node.dataDirectory).oneTimePassword).
                    """)
            })
    }

    /// What is said of an HTTP interface that others reach: keys and answers go over the network as they are.
    static func openness(of host: String, url: String) -> String? {
        guard let address = NodeAddress(url), !(host == "localhost" || host == "::1" || host.hasPrefix("127.")) else {
            return nil
        }
        let port = address.text.split(separator: ":").last.map(String.init) ?? ""
        let place =
            ["0.0.0.0", "::"].contains(host) ? "every address of this machine (port \(port))" : "\(host), port \(port)"
        return """
            warning: HTTP is open on \(place), without encryption: keys, prompts and answers can be read on the way. Listen on 127.0.0.1 \
            and put a proxy with TLS in front of it for other machines (docs/proxy.md).
            """
    }

    /// The flags that were given, by setting key.
    var flags: [String: String] {
        let values: [String: String?] = [
            "node.data_dir": dataDir,
            "node.nickname": name,
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
