package import ArgumentParser

/// `shoal status`: what a node is and does.
package struct StatusCommand: AsyncParsableCommand {
    package static let configuration = CommandConfiguration(
        commandName: "status", abstract: "Show what a node is and does.")

    @OptionGroup package var output: OutputOptions
    @OptionGroup package var connection: ConnectionOptions

    package init() {}

    package func run() async throws {
        let target = try connection.target()
        let body = try await NodeClient.with(target) { try await $0.get("/api/admin/stats") }
        guard !output.json else {
            Terminal.write(body)
            return Terminal.newLine()
        }
        let statistics: NodeStatistics = try NodeClient.decode(body)
        for (name, value) in Self.facts(statistics, address: target.address) {
            Terminal.line(name + String(repeating: " ", count: 12 - name.count) + value)
        }
    }

    /// Names and values, in the order they are shown.
    static func facts(_ statistics: NodeStatistics, address: NodeAddress) -> [(String, String)] {
        var facts = [
            ("node", statistics.nodeId),
            ("address", address.text),
            ("version", statistics.version),
            ("up", Figures.seconds(statistics.uptimeSeconds)),
            ("peers", "\(statistics.peers)"),
            ("shards", "\(statistics.hostedShards ?? 0)"),
            (
                "requests",
                "\(statistics.activeRequests ?? 0) active, \(statistics.requestsServed ?? 0) served, "
                    + "\(statistics.forwardsServed ?? 0) for other nodes"
            ),
        ]
        if let latency = statistics.inference?.avgLatencyMs {
            facts.append(("latency", "\(Figures.fixed(latency)) ms on average"))
        }
        if let hardware = statistics.hardware {
            if let name = hardware.cpuName {
                facts.append(("processor", name + (hardware.cpuCores.map { ", \($0) cores" } ?? "")))
            }
            if let name = hardware.gpuName { facts.append(("gpu", name)) }
            if let used = hardware.usedRamMb, let total = hardware.totalRamMb {
                let own = hardware.processRssMb.map { ", this node \(Figures.megabytes($0))" } ?? ""
                facts.append(("memory", "\(Figures.megabytes(used)) of \(Figures.megabytes(total)) used\(own)"))
            }
        }
        return facts
    }
}
