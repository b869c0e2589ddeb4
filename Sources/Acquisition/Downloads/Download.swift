import GGUF
import Identifiers
import ModelLibrary

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// One model's download, as the queue keeps it.
struct Download: Sendable {
    /// Most lines of a log.
    private static let maximumLines = 200

    var entry: DownloadTable.Entry
    var name: String
    var state: DownloadStatus.State
    let progress = DownloadProgress()
    /// The work under way, by shard; nil stands for what is done for the model as a whole.
    var running: [ShardIndex?: (job: Int, task: Task<Void, Never>)] = [:]
    /// Shards that failed, and are to be tried again later.
    /// By the number of the job that waits for it; nil stands for the header.
    private var resting: [ShardIndex?: Int] = [:]
    /// Why a shard failed.
    var failure: String?
    /// Room on the disk that a paused download waits for.
    var awaitedBytes: UInt64 = 0
    /// Why it paused last, so that the same is not told again and again.
    var toldPause: String?
    /// The shards that share bytes with each shard: they do not come at the same time, so that what is wrong with one never
    /// harms another.
    var neighbours: [ShardIndex: Set<ShardIndex>] = [:]
    /// Attempts in a row that brought nothing, by shard.
    var idleAttempts: [ShardIndex?: Int] = [:]
    /// What came that was wrong, by shard.
    var suspicions: [ShardIndex: [Contributions.Suspicion]] = [:]
    /// Wrong copies of a shard that came from no single sender.
    var wrongCopies: [ShardIndex: Int] = [:]
    private(set) var log: [String] = []

    init(entry: DownloadTable.Entry) {
        self.entry = entry
        name = entry.model.rawValue
        state = entry.failure.map { .failed(reason: $0) } ?? .awaitingManifest
    }

    /// A job failed, and waits for its next attempt.
    mutating func rest(_ job: DownloadQueue.Job) {
        resting[job.shard] = job.number
        end(job)
    }

    /// The job has waited long enough.
    mutating func wake(_ job: DownloadQueue.Job) {
        if resting[job.shard] == job.number { resting[job.shard] = nil }
    }

    /// Whether the header could not be had, and is to be tried again later.
    var isResting: Bool { resting[.none] != nil }

    /// The job does nothing any more.
    mutating func end(_ job: DownloadQueue.Job) {
        if running[job.shard]?.job == job.number { running[job.shard] = nil }
    }

    mutating func note(_ line: String) {
        if log.count == Self.maximumLines { log.removeFirst() }
        log.append("\(Date().formatted(.iso8601)) \(line)")
    }

    var status: DownloadStatus {
        DownloadStatus(
            model: entry.model, name: name, state: state, trigger: entry.trigger, source: progress.source,
            shards: progress.shards, bytesPerSecond: state == .downloading ? progress.bytesPerSecond : 0,
            startedAt: entry.startedAt, log: log)
    }

    /// The shards that could be worked on now, first those of which something is here already.
    var ready: [ShardIndex] {
        guard state == .downloading else { return [] }
        let waiting = progress.shards.filter {
            $0.state == .pending && running[$0.index] == nil && resting[$0.index] == nil
                && neighbours[$0.index, default: []].allSatisfy { running[$0] == nil }
        }
        return (waiting.filter { $0.downloadedBytes > 0 } + waiting.filter { $0.downloadedBytes == 0 }).map(\.index)
    }

    /// The shards of `wanted` that share bytes, by shard.
    static func neighbours(of wanted: Set<ShardIndex>, in manifest: ModelManifest) -> [ShardIndex: Set<ShardIndex>] {
        let places = wanted.compactMap { manifest[shard: $0] }
            .flatMap { shard in shard.ranges.map { (shard: shard.index, range: $0) } }
            .sorted { $0.range < $1.range }
        var neighbours: [ShardIndex: Set<ShardIndex>] = [:]
        var open: [(shard: ShardIndex, range: ByteRange)] = []
        for place in places {
            open.removeAll { $0.range.part != place.range.part || $0.range.end <= place.range.offset }
            for other in open where other.shard != place.shard {
                neighbours[place.shard, default: []].insert(other.shard)
                neighbours[other.shard, default: []].insert(place.shard)
            }
            open.append(place)
        }
        return neighbours
    }
}
