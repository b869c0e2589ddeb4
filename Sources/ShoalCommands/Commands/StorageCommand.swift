package import ArgumentParser
import ModelLibrary
import NodeAPI

/// `shoal storage`: what models take on the node's disk.
package struct StorageCommand: AsyncParsableCommand {
    package static let configuration = CommandConfiguration(
        commandName: "storage", abstract: "Show what models take on the node's disk, and what they may.")

    @OptionGroup package var list: ListOptions
    @OptionGroup package var connection: ConnectionOptions

    package init() {}

    package func run() async throws {
        let body = try await NodeClient.with(try connection.target()) { try await $0.get("/api/admin/shard-storage") }
        let storage: StorageBody = try NodeClient.decode(body)
        list.print(storage.models, body: body, empty: "no models yet; “shoal pull” and “shoal import” add some")
        guard !list.json, !list.quiet else { return }
        for line in Self.sums(storage) { Terminal.line(line) }
    }

    /// What all models take together.
    static func sums(_ storage: StorageBody) -> [String] {
        let disk =
            "disk    \(Figures.bytes(storage.diskUsageBytes)) used by models, of \(Figures.bytes(storage.maxDiskMb << 20))"
        let memory = "memory  \(Figures.bytes(storage.localVramMb << 20)) for models here"
        let pool =
            storage.peerCount > 0
            ? ", \(Figures.bytes(storage.poolVramMb << 20)) with \(Figures.counted(storage.peerCount, "peer"))" : ""
        let keeping =
            storage.autoManageEnabled
            ? "auto    shards are fetched and given up by the node itself, up to \(Figures.bytes(storage.autoManageMaxStorageMb << 20))"
            : "auto    off: shards come and go by hand alone"
        return (storage.models.isEmpty ? [] : [""]) + [disk, memory + pool, keeping]
    }
}

extension StorageBody.Model: ListRow {
    static let headers = ["MODEL", "HERE", "OF", "SHARDS HERE", "MEMORY", "LOCKED", "STATUS"]
    static let rightAligned: Set<Int> = [1, 2, 3, 4]

    var listName: String { id }

    var cells: [String] {
        let locked = shards.filter(\.locked).map(\.index)
        return [
            id, Figures.bytes(localBytes), Figures.bytes(totalSizeBytes), "\(localShards) of \(shardCount)",
            Figures.bytes(estimatedVramMb << 20), locked.isEmpty ? "–" : "\(ShardSelection(locked))", statusWord,
        ]
    }

    /// In the words of “shoal models”; what is in memory is not told here.
    private var statusWord: String { ready == "available" ? "ready" : ready }
}
