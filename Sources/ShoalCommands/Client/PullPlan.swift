import ModelLibrary
import NodeAPI

/// What a pull is going to fetch, and whether the node has room for it.
struct PullPlan {
    enum Selection {
        case shards(ShardSelection)
        case all, fairShare
    }

    /// What is computed beside the weights, in percent of them.
    private static let memoryPercent: Int64 = 115

    let repository: String
    let variant: HubVariantBody
    let probe: HubProbeBody
    let selection: Selection
    let hardware: StatisticsBody.Hardware

    init(
        client: NodeClient, repository: String, variant: HubVariantBody, revision: String?, selection: Selection
    ) async throws {
        self.repository = repository
        self.variant = variant
        self.selection = selection
        let place = "repo_id=\(repository.queryEncoded)&filename=\(variant.filename.queryEncoded)"
        let probe: HubProbeBody = try await client.get(
            "/api/admin/hf/probe?\(place)" + (revision.map { "&revision=\($0.queryEncoded)" } ?? ""))
        self.probe = probe
        guard probe.architectureSupported else {
            throw CommandError(
                "\(variant.filename) is a model of architecture \(probe.architecture), which this node cannot run",
                hint: "choose another model with “shoal search”")
        }
        if case .shards(let shards) = selection, let past = shards.numbers.last(where: { $0 >= probe.shardCount }) {
            throw CommandError(
                "the model has no shard \(past)", hint: "its shards are 0 to \(max(0, probe.shardCount - 1))")
        }
        hardware = (try await client.get("/api/admin/stats") as StatisticsBody).hardware
    }

    /// Bytes to fetch, as far as that is known before; nil for a share, which the node works out.
    var bytes: Int64? {
        switch selection {
        case .all: probe.totalSize
        case .fairShare: nil
        case .shards(let shards):
            probe.totalSize / Int64(max(1, probe.shardCount)) * Int64(shards.numbers.count)
        }
    }

    /// For people.
    var lines: [String] {
        var lines = ["\(repository)  \(variant.filename)"]
        let kind = [variant.quant, probe.architecture].compactMap { $0 }.joined(separator: ", ")
        lines.append(
            "  model   \(kind), \(Figures.bytes(probe.totalSize)) in "
                + Figures.counted(probe.shardCount, "shard"))
        switch selection {
        case .all: break
        case .fairShare: lines.append("  fetch   this node's share of the shards")
        case .shards(let shards):
            lines.append("  fetch   shards \(shards), about \(Figures.bytes(bytes ?? 0))")
        }
        if probe.networkReplicas > 0 {
            let holders = probe.networkReplicas == 1 ? "1 node holds" : "\(probe.networkReplicas) nodes hold"
            lines.append("  swarm   \(holders) something of it")
        }
        guard let bytes else { return lines }
        let free = Int64(hardware.availableDiskMb) << 20
        lines.append("  disk    \(bytes <= free ? "fits" : "too small"): \(Figures.bytes(free)) free")
        let total = Int64(hardware.totalRamMb) << 20
        let needed = bytes / 100 * Self.memoryPercent
        let verdict = needed <= total ? "fits" : "does not fit into one node; other nodes can take shards"
        lines.append("  memory  \(verdict): about \(Figures.bytes(needed)) of \(Figures.bytes(total))")
        return lines
    }
}
