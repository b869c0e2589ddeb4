package import Identifiers

#if canImport(FoundationEssentials)
    package import FoundationEssentials
#else
    package import Foundation
#endif

/// How far the download of a model's shards has come.
package struct DownloadStatus: Sendable, Hashable {
    /// What a download is doing.
    package enum State: Sendable, Hashable {
        /// The model's header is being looked for.
        case awaitingManifest
        case downloading
        /// Nothing is fetched until there is room on the disk again; the reason is a sentence for people.
        case paused(reason: String)
        case complete
        case failed(reason: String)
        case cancelled

        /// Whether it goes on by itself.
        package var isActive: Bool {
            switch self {
            case .awaitingManifest, .downloading, .paused: true
            case .complete, .failed, .cancelled: false
            }
        }

        var isFailed: Bool {
            if case .failed = self { true } else { false }
        }
    }

    /// Who asked for it.
    package enum Trigger: String, Sendable, Hashable, Codable {
        case user
        case autoManage = "auto_manage"
    }

    /// Where the bytes come from.
    package enum Source: String, Sendable, Hashable, Codable {
        case peers, huggingface, mixed
    }

    /// One shard of the download.
    package struct Shard: Sendable, Hashable {
        package enum State: String, Sendable, Hashable, Codable {
            /// It waits for its turn.
            case pending
            case downloading, verifying, complete, failed
        }

        package var index: ShardIndex
        package var state: State
        package var totalBytes: UInt64
        package var downloadedBytes: UInt64
        /// Where its bytes come from; nil before the first one.
        package var source: Source?

        var missingBytes: UInt64 { totalBytes - min(totalBytes, downloadedBytes) }

        package init(
            index: ShardIndex, state: State, totalBytes: UInt64, downloadedBytes: UInt64, source: Source? = nil
        ) {
            self.index = index
            self.state = state
            self.totalBytes = totalBytes
            self.downloadedBytes = downloadedBytes
            self.source = source
        }
    }

    package var model: ModelID
    package var name: String
    package var state: State
    package var trigger: Trigger
    /// Nil before the first byte.
    package var source: Source?
    /// The shards that were asked for, by index; empty while the header is awaited.
    package var shards: [Shard]
    /// Over the latest seconds.
    package var bytesPerSecond: Double
    package var startedAt: Date
    /// What happened, oldest first, at most 200 lines.
    package var log: [String]

    package init(
        model: ModelID, name: String, state: State, trigger: Trigger, source: Source? = nil, shards: [Shard] = [],
        bytesPerSecond: Double = 0, startedAt: Date, log: [String] = []
    ) {
        self.model = model
        self.name = name
        self.state = state
        self.trigger = trigger
        self.source = source
        self.shards = shards
        self.bytesPerSecond = bytesPerSecond
        self.startedAt = startedAt
        self.log = log
    }

    package var totalBytes: UInt64 { shards.reduce(0) { $0 + $1.totalBytes } }
    package var downloadedBytes: UInt64 { shards.reduce(0) { $0 + $1.downloadedBytes } }

    /// When the rest will have come at this speed; nil while that cannot be said.
    package var remainingSeconds: Int? {
        guard state == .downloading, bytesPerSecond > 0 else { return nil }
        let seconds = Double(totalBytes - min(totalBytes, downloadedBytes)) / bytesPerSecond
        return seconds < 1e9 ? Int(seconds.rounded(.up)) : nil
    }
}
