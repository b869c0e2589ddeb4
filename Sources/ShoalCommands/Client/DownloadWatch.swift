import NodeAPI
import UnixSignals

/// Follows downloads of a node and shows them: live bars on a terminal, lines otherwise.
struct DownloadWatch {
    /// How it ended.
    enum Ending: Sendable {
        /// All that was watched is over; the downloads as they are then.
        case over([DownloadBody])
        /// The person pressed Ctrl-C. Nothing was cancelled.
        case interrupted
    }

    /// A node that is started again goes on with its downloads.
    private static let patience = 30

    let client: NodeClient
    /// The model to watch; nil: every one, until none goes on.
    var model: String?
    var showsBars = Terminal.showsProgress
    /// Says nothing.
    var isQuiet = false

    func run() async throws -> Ending {
        try await withThrowingTaskGroup(of: Ending.self) { group in
            group.addTask { try await follow() }
            group.addTask {
                for await _ in await UnixSignalsSequence(trapping: .sigint) { return .interrupted }
                throw CancellationError()
            }
            defer { group.cancelAll() }
            guard let ending = try await group.next() else { throw CancellationError() }
            return ending
        }
    }

    private func follow() async throws -> Ending {
        var live = LiveLines()
        var journals: [String: DownloadJournal] = [:]
        var failures = 0
        while true {
            let downloads: [DownloadBody]
            do {
                let list: DownloadListBody = try await client.get("/api/admin/downloads")
                downloads = list.downloads.filter { model == nil || $0.modelId == model }
                failures = 0
            } catch let error as CommandError {
                failures += 1
                guard failures < Self.patience else { throw error }
                try await Task.sleep(for: .seconds(1))
                continue
            }
            let shown = model == nil ? downloads.filter { !$0.state.isOver || journals[$0.modelId] != nil } : downloads
            if !isQuiet {
                if showsBars {
                    let view = DownloadView(width: Terminal.width, height: Terminal.height / max(1, shown.count))
                    live.draw(shown.flatMap(view.lines))
                }
                for download in shown {
                    for line in journals[download.modelId, default: DownloadJournal()].lines(download) where !showsBars
                    {
                        Terminal.errorLine(line)
                    }
                }
            }
            if let model, downloads.isEmpty {
                throw CommandError(
                    "the node no longer knows a download of \(model)", hint: "“shoal downloads” lists them")
            }
            if downloads.allSatisfy(\.state.isOver) { return .over(downloads) }
            try await Task.sleep(for: showsBars ? .milliseconds(200) : .seconds(1))
        }
    }
}
