package import ArgumentParser
import Cluster
import Files
import Link
import Node

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// `shoal worker`: works for the master of a cluster until it is told to stop.
package struct WorkerCommand: AsyncParsableCommand {
    package static let configuration = CommandConfiguration(
        commandName: "worker",
        abstract: "Let this machine work for a master.",
        discussion: """
            The worker calls the master's swarm port and runs what the master sends it on the models in its data directory \
            (“shoal import” puts them there). It needs no address of its own and never gets the swarm's key. It prints \
            “joined HOST:PORT as HOSTNAME” whenever the master has taken it, calls again for as long as the master is away, and ends \
            with status 1 when its token is not good.
            The token is best given in a file or in SHOAL_CLUSTER_TOKEN: what stands on the command line can be seen by others.
            """)

    @Option(
        name: .long,
        help: ArgumentHelp(
            "Where the master is called: its swarm port (or SHOAL_CLUSTER_MASTER).", valueName: "HOST:PORT"))
    package var master: String?

    @Option(
        name: .long,
        help: ArgumentHelp("Cluster token, as “shoal cluster token add” prints it.", valueName: "TOKEN"))
    package var token: String?

    @Option(name: .long, help: ArgumentHelp("File that holds the cluster token.", valueName: "FILE"))
    package var tokenFile: String?

    @Option(
        name: .long,
        help: ArgumentHelp("Name that the master knows this machine by (default: its host name).", valueName: "NAME"))
    package var hostname: String?

    @Option(
        name: .long,
        help: "How much of the cluster's work this machine gets, beside the weights of the others (default: 100).")
    package var weight: Int?

    @Option(
        name: .long, help: ArgumentHelp("Settings file (default: shoal.yaml in the data directory).", valueName: "FILE")
    )
    package var config: String?

    @Option(
        name: .long,
        help: ArgumentHelp(
            "Where the worker keeps everything (or SHOAL_DATA_DIR; default: ~/.local/share/shoal).", valueName: "DIR"))
    package var dataDir: String?

    @Option(name: .long, help: "Least level to log: trace, debug, info, notice, warning, error or critical.")
    package var logLevel: String?

    @Option(name: .long, help: "Log as text or json.")
    package var logFormat: String?

    package init() {}

    package mutating func validate() throws {
        if let master, LinkAddress(master) == nil {
            throw ValidationError("--master takes an address HOST:PORT, not \(master.prefix(80))")
        }
        if let token, ClusterToken(token) == nil {
            throw ValidationError("--token takes a token as “shoal cluster token add” prints it")
        }
        if token != nil, tokenFile != nil { throw ValidationError("--token and --token-file exclude each other") }
        if let hostname, Hostname(hostname) == nil {
            throw ValidationError("--hostname takes 1 to 253 letters, digits, dots, hyphens and underscores")
        }
        if let weight, !WorkerDescription.weights.contains(weight) {
            throw ValidationError("--weight must be from 1 to \(WorkerDescription.weights.upperBound), not \(weight)")
        }
    }

    package func run() async throws {
        if let token { ProcessArguments.hide(token) }
        let settings = try settings(environment: ProcessInfo.processInfo.environment)
        try await WorkerDaemon.run(settings) { address, hostname in
            Terminal.line("joined \(address) as \(hostname)")
        }
    }

    func settings(environment: [String: String]) throws -> Settings {
        var settings = try Settings.load(flags: flags, environment: environment, configurationFile: config)
        // Named on the command line, the file counts more than a token from elsewhere.
        if tokenFile != nil { settings.cluster.token = nil }
        return settings
    }

    /// The flags that were given, by setting key.
    var flags: [String: String] {
        let values: [String: String?] = [
            "node.data_dir": dataDir,
            "cluster.master": master,
            "cluster.token": token,
            "cluster.token_file": tokenFile,
            "cluster.hostname": hostname,
            "cluster.weight": weight.map(String.init),
            "log.level": logLevel,
            "log.format": logFormat,
        ]
        return values.compactMapValues { $0 }
    }
}
