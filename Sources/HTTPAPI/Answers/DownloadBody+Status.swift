import Acquisition
import Identifiers
import ModelLibrary
import NodeAPI

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

extension DownloadStatus {
    /// Shards whose bytes are all here, proven or not yet.
    var fetchedCount: Int { shards.count { $0.state == .verifying || $0.state == .complete } }
    fileprivate var verifiedCount: Int { shards.count { $0.state == .complete } }
    fileprivate var failedCount: Int { shards.count { $0.state == .failed } }

    var wholeBytesPerSecond: UInt64 { UInt64(exactly: bytesPerSecond.rounded()) ?? 0 }

    /// Where it stands in the list: what goes on first, what is over last.
    fileprivate var listOrder: Int {
        switch state {
        case .downloading: 0
        case .awaitingManifest: 1
        case .paused, .cancelled: 2
        case .failed: 3
        case .complete: 4
        }
    }
}

extension DownloadListBody {
    /// What goes on comes first, what is over last.
    init(_ downloads: [DownloadStatus]) {
        let sorted = downloads.sorted {
            ($0.listOrder, $1.startedAt, $0.model) < ($1.listOrder, $0.startedAt, $1.model)
        }
        self.init(downloads: sorted.map(DownloadBody.init), total: sorted.count)
    }
}

extension DownloadBody {
    /// Lines of the log in a list of downloads.
    private static let shownLines = 10

    init(_ download: DownloadStatus) {
        self.init(
            modelId: download.model.rawValue, modelName: download.name, state: DownloadState(download.state),
            source: download.source.map { $0 == .peers ? "network" : $0.rawValue },
            totalShards: download.shards.count, downloadedShards: download.fetchedCount,
            verifiedShards: download.verifiedCount, failedShards: download.failedCount,
            totalBytes: Int64(clamping: download.totalBytes),
            downloadedBytes: Int64(clamping: download.downloadedBytes),
            overallPct: wholePercents(download.downloadedBytes, of: download.totalBytes),
            speedBytesPerSec: Int64(clamping: download.wholeBytesPerSecond),
            etaSecs: download.remainingSeconds.map { Int64($0) }, cancellable: download.state.isActive,
            startedAt: download.startedAt.formatted(.iso8601), trigger: download.trigger.rawValue,
            log: download.log.suffix(Self.shownLines).reversed(), shardDetails: download.shards.map(Shard.init))
    }
}

extension DownloadBody.Shard {
    fileprivate init(_ shard: DownloadStatus.Shard) {
        self.init(
            index: shard.index.rawValue, state: shard.state.rawValue, progressPct: shard.percent,
            downloadedBytes: Int64(clamping: shard.downloadedBytes), totalBytes: Int64(clamping: shard.totalBytes),
            source: shard.source?.rawValue)
    }
}

extension DownloadStatusBody {
    /// Lines of the log.
    private static let shownLines = 200

    init(_ download: DownloadStatus) {
        self.init(
            modelId: download.model.rawValue, state: DownloadState(download.state),
            totalShards: download.shards.count, downloadedShards: download.fetchedCount,
            verifiedShards: download.verifiedCount, failedShards: download.failedCount,
            totalBytes: Int64(clamping: download.totalBytes),
            downloadedBytes: Int64(clamping: download.downloadedBytes),
            speedBytesPerSec: Int64(clamping: download.wholeBytesPerSecond),
            startedAt: download.startedAt.formatted(.iso8601),
            shardProgress: Dictionary(
                download.shards.map { (String($0.index.rawValue), Shard($0)) }, uniquingKeysWith: { first, _ in first }),
            log: download.log.suffix(Self.shownLines), source: download.source?.rawValue,
            trigger: download.trigger.rawValue)
    }
}

extension DownloadStatusBody.Shard {
    fileprivate init(_ shard: DownloadStatus.Shard) {
        self.init(
            index: shard.index.rawValue, totalBytes: Int64(clamping: shard.totalBytes),
            downloadedBytes: Int64(clamping: shard.downloadedBytes), state: shard.state.rawValue,
            source: shard.source?.rawValue)
    }
}

extension DownloadState {
    fileprivate init(_ state: DownloadStatus.State) {
        switch state {
        case .awaitingManifest: self.init("awaiting_manifest")
        case .downloading: self.init("downloading")
        case .paused(let reason): self.init("paused", reason: reason)
        case .complete: self.init("complete")
        case .failed(let reason): self.init("failed", reason: reason)
        case .cancelled: self.init("cancelled")
        }
    }
}

extension DownloadStatus.Shard {
    var percent: Int { wholePercents(downloadedBytes, of: totalBytes) }
}

/// Whole percents, rounded down, so that 100 means all of it.
private func wholePercents(_ part: UInt64, of whole: UInt64) -> Int {
    guard whole > 0 else { return 0 }
    return part >= whole ? 100 : min(99, Int(Double(part) / Double(whole) * 100))
}
