import Exchange
import Identifiers
import ModelLibrary
import Synchronization

/// How far each shard of one download has come: told by those who transfer, asked by those who look.
final class DownloadProgress: Sendable {
    private struct State {
        var shards: [ShardIndex: DownloadStatus.Shard] = [:]
        var meter = SpeedMeter()
    }

    private let state = Mutex(State())

    /// Every shard, by index.
    var shards: [DownloadStatus.Shard] {
        state.withLock { $0.shards.values.sorted { $0.index < $1.index } }
    }

    subscript(shard: ShardIndex) -> DownloadStatus.Shard? { state.withLock { $0.shards[shard] } }

    var bytesPerSecond: Double { state.withLock { $0.meter.bytesPerSecond(at: .now) } }

    /// Where bytes have come from so far.
    var source: DownloadStatus.Source? {
        let sources = Set(state.withLock { $0.shards.values.compactMap(\.source) })
        return sources.count > 1 ? .mixed : sources.first
    }

    /// Takes a shard in that is to come.
    func add(_ shard: DownloadStatus.Shard) {
        state.withLock { state in
            if state.shards[shard.index] == nil { state.shards[shard.index] = shard }
        }
    }

    func set(_ shard: ShardIndex, _ new: DownloadStatus.Shard.State) {
        state.withLock { state in
            state.shards[shard]?.state = new
            if new == .complete, let total = state.shards[shard]?.totalBytes {
                state.shards[shard]?.downloadedBytes = total
            }
        }
    }

    /// A transfer of a shard begins, or begins anew, with so many of its bytes here.
    func begin(_ shard: ShardIndex, missingBytes: UInt64) {
        state.withLock { state in
            guard let total = state.shards[shard]?.totalBytes else { return }
            state.shards[shard]?.state = .downloading
            state.shards[shard]?.downloadedBytes = total - min(total, missingBytes)
        }
    }

    func add(_ bytes: UInt64, to shard: ShardIndex, from supplier: SupplierName) {
        let source: DownloadStatus.Source = supplier == .hub ? .huggingface : .peers
        state.withLock { state in
            state.meter.add(bytes, at: .now)
            guard var known = state.shards[shard] else { return }
            known.downloadedBytes = min(known.totalBytes, known.downloadedBytes + bytes)
            known.source = known.source == nil || known.source == source ? source : .mixed
            state.shards[shard] = known
        }
    }
}
