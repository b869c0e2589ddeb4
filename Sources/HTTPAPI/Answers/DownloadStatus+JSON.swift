import Acquisition
import Identifiers
import JSON
import ModelLibrary

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

extension DownloadStatus {
    /// Lines of the log in a list of downloads.
    private static let shownLines = 10

    /// Shards whose bytes are all here, proven or not yet.
    var fetchedCount: Int { shards.count { $0.state == .verifying || $0.state == .complete } }
    private var verifiedCount: Int { shards.count { $0.state == .complete } }
    private var failedCount: Int { shards.count { $0.state == .failed } }

    var wholeBytesPerSecond: UInt64 { UInt64(exactly: bytesPerSecond.rounded()) ?? 0 }

    /// The body of `GET /api/admin/models/{id}/status`.
    var statusJSON: JSONValue {
        var progress: [(String, JSONValue)] = []
        for shard in shards {
            progress.append(
                (
                    String(shard.index.rawValue),
                    [
                        "index": .integer(shard.index.rawValue),
                        "total_bytes": .integer(Int(clamping: shard.totalBytes)),
                        "downloaded_bytes": .integer(Int(clamping: shard.downloadedBytes)),
                        "state": .string(shard.state.rawValue),
                        "source": .optional(shard.source?.rawValue),
                    ]
                ))
        }
        return .object(
            figures + [
                ("shard_progress", .object(progress)),
                ("log", .array(log.suffix(200).map { .string($0) })),
                ("source", .optional(source?.rawValue)),
                ("trigger", .string(trigger.rawValue)),
            ])
    }

    /// One of `GET /api/admin/downloads`.
    var listedJSON: JSONValue {
        .object(
            figures + [
                ("model_name", .string(name)),
                ("source", source.map { .string($0 == .peers ? "network" : $0.rawValue) } ?? .null),
                ("overall_pct", .integer(wholePercents(downloadedBytes, of: totalBytes))),
                ("eta_secs", .optional(remainingSeconds)),
                ("cancellable", .bool(state.isActive)),
                ("trigger", .string(trigger.rawValue)),
                ("log", .array(log.suffix(Self.shownLines).reversed().map { .string($0) })),
                ("shard_details", .array(shards.map(\.json))),
            ])
    }

    private var figures: [(String, JSONValue)] {
        [
            ("model_id", .string(model.rawValue)),
            ("state", state.json),
            ("total_shards", .integer(shards.count)),
            ("downloaded_shards", .integer(fetchedCount)),
            ("verified_shards", .integer(verifiedCount)),
            ("failed_shards", .integer(failedCount)),
            ("total_bytes", .integer(Int(clamping: totalBytes))),
            ("downloaded_bytes", .integer(Int(clamping: downloadedBytes))),
            ("speed_bytes_per_sec", .integer(Int(clamping: wholeBytesPerSecond))),
            ("started_at", .string(startedAt.formatted(.iso8601))),
        ]
    }

    /// Where it stands in the list: what goes on first, what is over last.
    var listOrder: Int {
        switch state {
        case .downloading: 0
        case .awaitingManifest: 1
        case .paused, .cancelled: 2
        case .failed: 3
        case .complete: 4
        }
    }
}

extension DownloadStatus.State {
    /// A word, or an object with the reason.
    fileprivate var json: JSONValue {
        switch self {
        case .awaitingManifest: "awaiting_manifest"
        case .downloading: "downloading"
        case .paused(let reason): ["paused": ["reason": .string(reason)]]
        case .complete: "complete"
        case .failed(let reason): ["failed": ["reason": .string(reason)]]
        case .cancelled: "cancelled"
        }
    }
}

extension DownloadStatus.Shard {
    var percent: Int { wholePercents(downloadedBytes, of: totalBytes) }

    fileprivate var json: JSONValue {
        [
            "index": .integer(index.rawValue),
            "state": .string(state.rawValue),
            "progress_pct": .integer(percent),
            "downloaded_bytes": .integer(Int(clamping: downloadedBytes)),
            "total_bytes": .integer(Int(clamping: totalBytes)),
            "source": .optional(source?.rawValue),
        ]
    }
}

/// Whole percents, rounded down, so that 100 means all of it.
private func wholePercents(_ part: UInt64, of whole: UInt64) -> Int {
    guard whole > 0 else { return 0 }
    return part >= whole ? 100 : min(99, Int(Double(part) / Double(whole) * 100))
}
