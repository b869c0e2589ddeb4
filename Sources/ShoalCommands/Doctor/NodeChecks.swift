import Link
import NIOCore
import NIOPosix
import Node
import NodeAPI

/// Looks at the running node, or at what would keep one from starting.
struct NodeChecks {
    let target: NodeTarget
    let settings: Settings?

    func findings() async -> [Finding] {
        if target.source == .assumed, !target.directory.isInUse {
            return await freePorts()
        }
        do {
            return try await NodeClient.with(target) { try await running($0) }
        } catch {
            let error = CommandError(describing: error)
            return [.fail("node", error.message, mend: error.hint ?? "look at what the node wrote to standard error")]
        }
    }

    private func running(_ client: NodeClient) async throws -> [Finding] {
        let statistics: StatisticsBody = try await client.get("/api/admin/stats")
        var findings = [
            Finding.ok(
                "node",
                "\(target.address) answers: version \(statistics.version), up \(Figures.seconds(statistics.uptimeSeconds))"
            )
        ]
        if statistics.version != NodeVersion.current {
            findings.append(
                .warn(
                    "version", "the node is \(statistics.version), this command \(NodeVersion.current)",
                    mend: "restart the node with the same build"))
        }
        do {
            _ = try await client.get("/health/ready")
        } catch {
            let error = CommandError(describing: error)
            findings.append(.warn("ready", error.message, mend: error.hint ?? "wait a moment, then look at its log"))
        }
        let peers: [PeerBody] = try await client.get("/api/admin/peers")
        let away = peers.filter { !$0.healthy }
        if peers.isEmpty {
            findings.append(.ok("swarm", "no other nodes yet; “shoal invite” prints the code to join"))
        } else if away.isEmpty {
            findings.append(
                .ok("swarm", peers.count == 1 ? "the other node answers" : "all \(peers.count) other nodes answer"))
        } else {
            let names = away.map { "\($0.nickname ?? $0.nodeId) (\($0.addresses.first ?? "no address"))" }
            findings.append(
                .warn(
                    "swarm",
                    "of \(Figures.counted(peers.count, "other node")) \(away.count) \(away.count == 1 ? "does" : "do") not answer: "
                        + names.joined(separator: ", "),
                    mend: "check that they run and that their swarm port is reachable from here"))
        }
        let models: [ModelBody] = try await client.get("/api/admin/models")
        let gaps = models.filter { !$0.healthy }.map(\.id)
        if !gaps.isEmpty {
            findings.append(
                .warn(
                    "models", "no node holds every shard of \(gaps.joined(separator: ", "))",
                    mend: "import the missing shards on some node, or start the node that holds them"))
        } else if !models.isEmpty {
            let which = models.count == 1 ? "the model is" : "all \(models.count) models are"
            findings.append(.ok("models", "\(which) complete in this swarm"))
        }
        return findings
    }

    private func freePorts() async -> [Finding] {
        guard let settings else { return [] }
        return [
            await port("http port", host: settings.api.host, port: settings.api.port, flag: "--port"),
            await port("swarm port", host: settings.swarm.host, port: settings.swarm.port, flag: "--swarm-port"),
        ]
    }

    private func port(_ check: String, host: String, port: Int, flag: String) async -> Finding {
        do {
            let channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
                .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
                .bind(host: host, port: port).get()
            try await channel.close()
            return .ok(check, port == 0 ? "any free one on \(host)" : "\(host):\(port) is free")
        } catch {
            return .fail(
                check, "\(host):\(port) cannot be listened on: \(error)",
                mend: "stop what listens there, or start the node with another \(flag)")
        }
    }
}
