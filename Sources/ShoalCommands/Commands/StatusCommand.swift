package import ArgumentParser
import NodeAPI

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
        let statistics: StatisticsBody = try NodeClient.decode(body)
        for (name, value) in Self.facts(statistics, address: target.address) {
            Terminal.line(name + String(repeating: " ", count: 12 - name.count) + value)
        }
    }

    /// Names and values, in the order they are shown.
    static func facts(_ statistics: StatisticsBody, address: NodeAddress) -> [(String, String)] {
        var facts = [
            ("node", statistics.nodeId),
            ("address", address.text),
            ("version", statistics.version),
            ("up", Figures.seconds(statistics.uptimeSeconds)),
            ("peers", "\(statistics.peers)"),
            ("shards", "\(statistics.hostedShards)"),
            (
                "requests",
                "\(statistics.activeRequests) active, \(statistics.requestsServed) served, "
                    + "\(statistics.forwardsServed) for other nodes"
            ),
        ]
        if let latency = statistics.inference.avgLatencyMs {
            facts.append(("latency", "\(Figures.fixed(latency)) ms on average"))
        }
        let hardware = statistics.hardware
        facts.append(("processor", "\(hardware.cpuName), \(hardware.cpuCores) cores"))
        if let name = hardware.gpuName { facts.append(("gpu", name)) }
        let (used, total) = (Figures.megabytes(hardware.usedRamMb), Figures.megabytes(hardware.totalRamMb))
        facts.append(("memory", "\(used) of \(total) used, this node \(Figures.megabytes(hardware.processRssMb))"))
        return facts
    }
}
