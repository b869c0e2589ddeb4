package import Events
import GGUF
package import Identifiers
import Link
package import Logging
package import ModelLibrary
import ServiceLifecycle
package import Store

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// The node's downloads: which shards are to come here, and how far they have come.
///
/// One queue for all models: what a user asked for comes first, then what was asked for earlier. It lasts: what was under way
/// when the node stopped, or was killed, goes on where it was.
package actor DownloadQueue: Service {
    /// How much is done at once, and how patiently.
    package struct Settings: Sendable {
        /// Shards that come at once.
        package var maximumShards = 3
        /// The pause before a failed shard is tried again, doubled with every failure in a row.
        package var firstPause: Duration = .seconds(1)
        package var longestPause: Duration = .seconds(60)
        /// Attempts in a row that may bring nothing before a shard has failed.
        package var maximumIdleAttempts = 10
        /// Wrong copies of a shard that nobody can be blamed for alone, after which it has failed.
        package var maximumWrongCopies = 8
        /// How often a download that waits for room on the disk looks for it.
        package var roomInterval: Duration = .seconds(5)
        var transfer = ShardTransfer.Limits()

        package init() {}
    }

    /// Finished downloads that are remembered.
    private static let maximumFinished = 100

    let library: ModelLibrary
    let sources: ShardSources
    let table: DownloadTable
    let events: EventBus
    let logger: Logger
    private(set) var settings: Settings
    var downloads: [ModelID: Download] = [:]
    /// Cancellations under way: a new download of the model waits for them.
    var cancellations: [ModelID: Task<Void, Never>] = [:]
    private var listeners: [Int: AsyncStream<Void>.Continuation] = [:]
    private var nextListener = 0
    private var lastJob = 0
    private let (wakeups, wakeup) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))

    /// - Throws: `StoreError`.
    package init(
        library: ModelLibrary, store: Store, sources: ShardSources, settings: Settings = Settings(),
        events: EventBus = EventBus(), logger: Logger = Logger(label: "downloads")
    ) throws {
        self.library = library
        self.sources = sources
        self.settings = settings
        self.events = events
        self.logger = logger
        table = try DownloadTable(store: store)
        for entry in try table.entries() {
            var download = Download(entry: entry)
            if entry.failure == nil { download.note("taken up again after a restart") }
            downloads[entry.model] = download
        }
    }

    // MARK: - Looking

    /// Every download that is known: under way, failed, and the latest of those that ended.
    package func statuses() -> [DownloadStatus] {
        downloads.values.map(\.status).sorted { ($0.startedAt, $0.model) < ($1.startedAt, $1.model) }
    }

    package func status(of model: ModelID) -> DownloadStatus? { downloads[model]?.status }

    /// The shards of each model that are on their way here.
    package func downloading() -> [ModelID: Set<ShardIndex>] {
        downloads.filter(\.value.state.isActive).mapValues { download in
            Set(download.progress.shards.filter { $0.state != .complete }.map(\.index))
        }.filter { !$0.value.isEmpty }
    }

    /// An element whenever downloads begin, end, or get on with a shard; a slow listener misses some.
    package func changes() -> AsyncStream<Void> {
        let (stream, continuation) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        let number = nextListener
        nextListener += 1
        listeners[number] = continuation
        continuation.onTermination = { [weak self] _ in
            Task { await self?.forget(listener: number) }
        }
        return stream
    }

    private func forget(listener: Int) { listeners[listener] = nil }

    // MARK: - Changing

    /// How many shards may come at once from now on. Those that are coming go on.
    package func allow(shards count: Int) {
        settings.maximumShards = max(1, count)
        wake()
    }

    func wake() {
        wakeup.yield()
        for listener in listeners.values { listener.yield() }
    }

    /// Keeps the latest of the downloads that ended.
    func forgetOldest() {
        let ended = downloads.values.filter { !$0.state.isActive && $0.running.isEmpty }
        guard ended.count > Self.maximumFinished else { return }
        let doomed = ended.sorted { $0.entry.startedAt < $1.entry.startedAt }.prefix(ended.count - Self.maximumFinished)
        for download in doomed {
            downloads[download.entry.model] = nil
            try? table.remove(download.entry.model)
        }
    }

    /// Forgets a download that ended, because its model is no longer here.
    package func forget(_ model: ModelID) {
        guard let download = downloads[model], !download.state.isActive, download.running.isEmpty else { return }
        downloads[model] = nil
        try? table.remove(model)
        wake()
    }

    // MARK: - Running

    /// Works on the queue until the node stops.
    package func run() async throws {
        await cancelWhenGracefulShutdown {
            await self.giveBackLeftovers()
            await self.work()
        }
    }

    private func work() async {
        await withDiscardingTaskGroup { group in
            wake()
            for await _ in wakeups {
                while let job = nextJob() {
                    let task = Task { await self.perform(job) }
                    downloads[job.model]?.running[job.shard] = (job.number, task)
                    group.addTask {
                        await withTaskCancellationHandler {
                            await task.value
                        } onCancel: {
                            task.cancel()
                        }
                    }
                }
            }
            group.cancelAll()
        }
    }

    /// Something to do now.
    struct Job: Sendable {
        let model: ModelID
        /// Nil: the header, or the comparison with the publisher's hash.
        let shard: ShardIndex?
        /// Tells this piece of work from an earlier one for the same shard.
        let number: Int
    }

    private func nextJob() -> Job? {
        lastJob += 1
        let queue = downloads.values.filter(\.state.isActive).sorted { left, right in
            (left.entry.trigger == .user ? 0 : 1, left.entry.startedAt, left.entry.model)
                < (right.entry.trigger == .user ? 0 : 1, right.entry.startedAt, right.entry.model)
        }
        for download in queue where download.running[.none] == nil && download.needsAttention {
            return Job(model: download.entry.model, shard: nil, number: lastJob)
        }
        let busy = queue.reduce(0) { $0 + $1.running.keys.count { $0 != nil } }
        guard busy < settings.maximumShards else { return nil }
        for download in queue {
            if let shard = download.ready.first {
                return Job(model: download.entry.model, shard: shard, number: lastJob)
            }
        }
        return nil
    }

    /// Gives back what came in part of shards that nobody wants any more.
    private func giveBackLeftovers() async {
        do {
            for arrival in try await library.arriving() where !Task.isCancelled {
                guard downloads[arrival.model]?.state.isActive != true else { continue }
                logger.info(
                    "giving back a shard that nobody waits for",
                    metadata: ["model": "\(arrival.model)", "shard": "\(arrival.shard)"])
                try await library.abandon(shard: arrival.shard, id: arrival.model)
            }
        } catch {
            logger.warning("shards that came in part cannot be given back", metadata: ["error": "\(error)"])
        }
    }
}

extension Download {
    /// Whether something is to be done for the model as a whole.
    fileprivate var needsAttention: Bool {
        switch state {
        case .awaitingManifest: !isResting
        case .paused: running.isEmpty
        case .downloading:
            progress.shards.allSatisfy { $0.state == .complete || $0.state == .failed } && running.isEmpty
        case .complete, .failed, .cancelled: false
        }
    }
}
