package import ArgumentParser
import NodeAPI

/// `shoal downloads list`: the latest download of each model.
package struct DownloadsListCommand: AsyncParsableCommand {
    package static let configuration = CommandConfiguration(
        commandName: "list", abstract: "List downloads, or watch them until they are over.")

    @OptionGroup package var list: ListOptions

    @Flag(name: .long, help: "Show every shard, until all downloads are over or Ctrl-C.")
    package var watch = false

    @OptionGroup package var connection: ConnectionOptions

    package init() {}

    package mutating func validate() throws {
        if watch && (list.json || list.quiet) { throw ValidationError("--watch shows text for people alone") }
    }

    package func run() async throws {
        try await NodeClient.with(try connection.target()) { client in
            guard watch else {
                let body = try await client.get("/api/admin/downloads")
                let answer: DownloadListBody = try NodeClient.decode(body)
                return list.print(answer.downloads, body: body, empty: "no downloads; “shoal pull” begins one")
            }
            guard case .over(let downloads) = try await DownloadWatch(client: client).run() else {
                return Terminal.newLine()
            }
            for download in downloads.filter({ $0.state.word == "failed" }) {
                throw CommandError("\(download.modelId) was not fetched: \(download.state.reason ?? "unknown reason")")
            }
        }
    }
}

extension DownloadBody: ListRow {
    static let headers = ["MODEL", "DONE", "BYTES", "SHARDS", "SPEED", "LEFT", "STATE"]
    static let rightAligned: Set<Int> = [1, 2, 3, 4, 5]

    var listName: String { modelId }

    var cells: [String] {
        let isRunning = state.word == "downloading"
        let complete = shardDetails.count { $0.state == "complete" }
        return [
            modelId, totalBytes > 0 ? "\(Int(Double(downloadedBytes) / Double(totalBytes) * 100)) %" : "–",
            totalBytes > 0 ? "\(Figures.bytes(downloadedBytes)) of \(Figures.bytes(totalBytes))" : "–",
            "\(complete) of \(totalShards)", isRunning ? "\(Figures.bytes(speedBytesPerSec))/s" : "–",
            isRunning ? etaSecs.map(Figures.seconds) ?? "–" : "–", state.text,
        ]
    }
}
