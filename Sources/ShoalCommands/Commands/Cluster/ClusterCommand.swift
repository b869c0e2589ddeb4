package import ArgumentParser
import NodeAPI

/// `shoal cluster`: the machines that work for a node.
package struct ClusterCommand: AsyncParsableCommand {
    package static let configuration = CommandConfiguration(
        commandName: "cluster",
        abstract: "See the machines that work for a node, pick their drivers, and make tokens for them.",
        subcommands: [
            ClusterListCommand.self, ClusterShowCommand.self, ClusterSetDriverCommand.self, ClusterTokenCommand.self,
        ],
        defaultSubcommand: ClusterListCommand.self)

    package init() {}
}

extension ClusterBody.Node: ListRow {
    static let headers = ["HOST", "TOKEN", "STATE", "WEIGHT", "GPUS", "DRIVER", "MODELS", "ACTIVE", "DONE", "ADDRESS"]
    static let rightAligned: Set<Int> = [3, 4, 6, 7, 8]

    var listName: String { hostname }

    var cells: [String] {
        [
            hostname, token, connected ? "connected" : "gone", "\(weight)", "\(gpus)", driver?.wrappedValue ?? "–",
            "\(workersAvailable)", "\(activeJobs)", "\(completedJobs)", ipAddress.isEmpty ? "–" : ipAddress,
        ]
    }
}

/// `shoal cluster list`: the nodes of the cluster.
package struct ClusterListCommand: AsyncParsableCommand {
    package static let configuration = CommandConfiguration(
        commandName: "list", abstract: "List the machines that work for a node, or did so lately.")

    @OptionGroup package var list: ListOptions
    @OptionGroup package var connection: ConnectionOptions

    package init() {}

    package func run() async throws {
        let body = try await NodeClient.with(try connection.target()) {
            try await $0.get("/api/admin/cluster_nodes?details=true")
        }
        let summary: ClusterBody = try NodeClient.decode(body)
        list.print(
            summary.nodes, body: body,
            empty: "nobody works for this node; “shoal cluster token add NAME” makes a token to join with")
    }
}

/// `shoal cluster show`: one host of the cluster, or the cluster in figures.
package struct ClusterShowCommand: AsyncParsableCommand {
    package static let configuration = CommandConfiguration(
        commandName: "show", abstract: "Show one machine of the cluster, or the cluster in figures.")

    @OptionGroup package var output: OutputOptions
    @OptionGroup package var connection: ConnectionOptions

    @Argument(help: ArgumentHelp("The machine, as “shoal cluster list” names it.", valueName: "HOST"))
    package var hostname: String?

    package init() {}

    package func run() async throws {
        let body = try await NodeClient.with(try connection.target()) {
            try await $0.get("/api/admin/cluster_nodes?details=true")
        }
        guard !output.json else {
            Terminal.write(body)
            return Terminal.newLine()
        }
        let summary: ClusterBody = try NodeClient.decode(body)
        guard let hostname else { return Self.print(summary.masterStats) }
        let nodes = summary.nodes.filter { $0.hostname == hostname }
        guard !nodes.isEmpty else {
            throw CommandError(
                "the cluster has no machine \(hostname)", hint: "“shoal cluster list” lists those it has")
        }
        for node in nodes { Self.print(node) }
    }

    private static func print(_ master: ClusterBody.Master) {
        print([
            ("nodes", "\(master.connectedNodes) connected, \(master.totalNodes) in all"),
            ("models on workers", "\(master.totalWorkers)"),
            ("jobs", "\(master.totalActiveJobs) active, \(master.totalCompletedJobs) completed"),
            ("uptime", "\(Int(master.uptimeSeconds)) s"),
        ])
    }

    private static func print(_ node: ClusterBody.Node) {
        print([
            ("host", node.hostname), ("node", node.nodeId ?? "–"), ("token", "\(node.token) (\(node.tokenName))"),
            ("state", node.connected ? "connected for \(Int(node.uptimeSeconds)) s" : "gone"),
            ("address", node.ipAddress.isEmpty ? "–" : node.ipAddress), ("weight", "\(node.weight)"),
            ("GPUs", node.gpuMemory.isEmpty ? "none" : node.gpuMemory.joined(separator: ", ")),
            ("driver", node.driver?.wrappedValue ?? "whatever there is"), ("models", "\(node.workersAvailable)"),
            ("jobs", "\(node.activeJobs) active, \(node.completedJobs) completed"),
        ])
    }

    private static func print(_ lines: [(name: String, value: String)]) {
        for line in Table(headers: ["", ""], rows: lines.map { [$0.name, $0.value] }, rightAligned: []).lines()
            .dropFirst()
        {
            Terminal.line(line)
        }
    }
}

/// `shoal cluster set-driver`: which kind of GPU a machine's engines use.
package struct ClusterSetDriverCommand: AsyncParsableCommand {
    package static let configuration = CommandConfiguration(
        commandName: "set-driver", abstract: "Pick the GPU driver of a machine of the cluster.")

    @OptionGroup package var output: OutputOptions
    @OptionGroup package var connection: ConnectionOptions

    @Option(
        name: .long,
        help: ArgumentHelp(
            "The token that it joined with, where several have machines of that name.", valueName: "TOKEN"))
    package var token: String?

    @Argument(help: ArgumentHelp("The machine, as “shoal cluster list” names it.", valueName: "HOST"))
    package var hostname: String

    @Argument(help: ArgumentHelp("cuda, rocm, or auto for whatever there is.", valueName: "DRIVER"))
    package var driver: String

    package init() {}

    package mutating func validate() throws {
        guard ["cuda", "rocm", "auto"].contains(driver) else {
            throw ValidationError("the driver must be cuda, rocm or auto, not \(driver.prefix(40))")
        }
    }

    package func run() async throws {
        struct Content: Encodable, Sendable {
            var hostname: String
            var token: String
            var driver: String
        }
        let (body, machines) = try await NodeClient.with(try connection.target()) {
            client -> ([UInt8], [ClusterBody.Node]) in
            let machines = try await self.machines(client)
            let content = Content(hostname: hostname, token: try self.token(of: machines), driver: driver)
            return (try await client.post("/api/admin/cluster_nodes/set_driver", content), machines)
        }
        guard !output.json else {
            Terminal.write(body)
            return Terminal.newLine()
        }
        Terminal.line("\(hostname): \(driver)")
        if driver != "auto", !machines.isEmpty, machines.allSatisfy({ $0.gpus == 0 }) {
            Terminal.errorLine("\(hostname) has no GPU now: its engines compute on the processor all the same")
        }
    }

    /// The machines of that name.
    private func machines(_ client: NodeClient) async throws -> [ClusterBody.Node] {
        let summary: ClusterBody = try await client.get("/api/admin/cluster_nodes?details=true")
        return summary.nodes.filter { $0.hostname == hostname }
    }

    /// The token that was given, or else the one that a machine of that name has joined with.
    private func token(of machines: [ClusterBody.Node]) throws -> String {
        if let token { return token }
        let tokens = Set(machines.map(\.token))
        guard let token = tokens.first else {
            throw CommandError(
                "the cluster has no machine \(hostname)", hint: "“shoal cluster list” lists those it has")
        }
        guard tokens.count == 1 else {
            throw CommandError(
                "machines of the name \(hostname) have joined with \(tokens.sorted().joined(separator: " and "))",
                hint: "--token says which is meant")
        }
        return token
    }
}
