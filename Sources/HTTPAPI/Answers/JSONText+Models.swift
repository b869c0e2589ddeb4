import Acquisition
import Catalogue
import Identifiers
import Link
import ModelLibrary
import NIOCore

/// Models as JSON, written without a document in between: a node may know thousands of shards, and pages ask often.
extension JSONText {
    /// The most holders that are named.
    private static let maximumNamedHolders = 32

    /// The body of `GET /api/admin/models`.
    mutating func models(_ models: [ModelSummary]) {
        array(models) { $0.model($1) }
    }

    private mutating func model(_ model: ModelSummary) {
        let (local, available, count) = (model.localCount, model.availableCount, model.shards.count)
        raw(#"{"id":"#)
        string(model.id)
        raw(#","name":"#)
        string(model.name)
        member("total_size_bytes", model.totalSizeBytes)
        member("shard_count", count)
        member("hosted_shards", local)
        member("global_available", available)
        member("healthy", available == count && count > 0)
        member("status", model.status)
        member("mode", local == count && count > 0 ? "full" : "distributed")
        member("source", model.source)
        member("local", local > 0)
        member("peers_hosting", model.peers.count)
        raw(#","shards":"#)
        let fetched = model.fetchedShards
        array(model.shards) { $0.shard($1, fetched: fetched[$1.index], showsMemory: true) }
        member("trust_level", model.trust.rawValue)
        member("encrypted_pipeline", false)
        member("has_first_shard", model.shards.first?.isLocal ?? false)
        member("has_last_shard", model.shards.last?.isLocal ?? false)
        raw(#","hf_source":"#)
        origin(model.origin)
        member("has_manifest", count > 0)
        member("has_header", model.hasHeader)
        member("probed", model.isProbed)
        raw(#","mmproj":{"available":"#)
        raw(model.projector == nil ? "false" : "true")
        member("local", model.projector?.isLocal ?? false)
        holders(model.projector?.holders ?? [], isLocal: model.projector?.isLocal ?? false)
        raw("}")
        member("estimated_vram_mb", model.estimatedMemoryMegabytes)
        acquisition(model.download)
        raw("}")
    }

    /// The body of `GET /api/admin/shard-storage`.
    mutating func storage(_ storage: StorageSummary) {
        raw(#"{"models":"#)
        array(storage.models) { $0.storedModel($1) }
        member("total_local_bytes", storage.models.reduce(0) { $0 + $1.localBytes })
        member("disk_usage_bytes", Int(clamping: storage.diskUsageBytes))
        member("auto_manage_enabled", storage.limits.isAutoManaged)
        member("auto_manage_max_storage_mb", storage.limits.autoManagedMegabytes)
        member("max_disk_mb", storage.limits.diskMegabytes)
        member("pool_vram_mb", storage.poolMemoryMegabytes)
        member("local_vram_mb", storage.limits.memoryMegabytes)
        member("peer_count", storage.peerCount)
        raw("}")
    }

    private mutating func storedModel(_ model: ModelSummary) {
        raw(#"{"id":"#)
        string(model.id)
        raw(#","name":"#)
        string(model.name)
        member("total_size_bytes", model.totalSizeBytes)
        member("shard_count", model.shards.count)
        member("local_shards", model.localCount)
        member("local_bytes", model.localBytes)
        member("estimated_vram_mb", model.estimatedMemoryMegabytes)
        raw(#","shards":"#)
        let fetched = model.fetchedShards
        array(model.shards) { $0.shard($1, fetched: fetched[$1.index], showsMemory: false) }
        member("ready", model.readiness)
        member("all_shards_available", model.availableCount == model.shards.count && !model.shards.isEmpty)
        raw("}")
    }

    private mutating func shard(_ shard: ModelSummary.Shard, fetched: DownloadStatus.Shard?, showsMemory: Bool) {
        raw(#"{"index":"#)
        integer(shard.index)
        member("size_bytes", shard.sizeBytes)
        member("local", shard.isLocal)
        holders(shard.holders, isLocal: shard.isLocal)
        member("locked", shard.isLocked)
        if showsMemory { member("in_vram", shard.isLoaded) }
        if let fetched, let state = fetched.state.shownInLists {
            raw(#","download":{"state":""#)
            raw(state)
            raw("\"")
            member("progress_pct", fetched.percent)
            member("downloaded_bytes", Int(clamping: fetched.downloadedBytes))
            member("total_bytes", Int(clamping: fetched.totalBytes))
            raw("}")
        }
        if !shard.fetchers.isEmpty {
            raw(#","peer_downloads":"#)
            array(shard.fetchers) { text, fetcher in
                text.raw(#"{"node_id":""#)
                text.raw(fetcher.node.short)
                text.raw(#"","progress_pct":"#)
                text.raw(fetcher.percent.map { String($0) } ?? "null")
                text.raw("}")
            }
        }
        raw("}")
    }

    private mutating func holders(_ holders: [NodeID], isLocal: Bool) {
        member("holders", holders.count + (isLocal ? 1 : 0))
        raw(#","holder_ids":"#)
        guard !holders.isEmpty else { return raw("[]") }
        array(holders.sorted().prefix(Self.maximumNamedHolders)) { text, node in
            text.raw("\"")
            text.raw(node.short)
            text.raw("\"")
        }
    }

    private mutating func origin(_ origin: ModelOrigin?) {
        guard let origin else { return raw("null") }
        raw(#"{"repo_id":"#)
        string(origin.repository)
        raw(#","filename":"#)
        string(origin.file)
        raw("}")
    }

    private mutating func acquisition(_ download: DownloadStatus?) {
        guard let download, let word = download.state.acquisition else {
            return raw(#","acquisition":null,"acquisition_progress":null"#)
        }
        member("acquisition", word)
        raw(#","acquisition_progress":{"downloaded_bytes":"#)
        integer(Int(clamping: download.downloadedBytes))
        member("total_bytes", Int(clamping: download.totalBytes))
        member("downloaded_shards", download.fetchedCount)
        member("speed_bytes_per_sec", Int(clamping: download.wholeBytesPerSecond))
        raw(#","source":"#)
        raw(download.source.map { "\"\($0.rawValue)\"" } ?? "null")
        member("trigger", download.trigger.rawValue)
        raw("}")
    }

    // Names are literals of this file, and words are of fixed lists: neither needs escapes.

    private mutating func member(_ name: StaticString, _ value: Int) {
        key(name)
        integer(value)
    }

    private mutating func member(_ name: StaticString, _ value: Bool) {
        key(name)
        buffer.writeStaticString(value ? "true" : "false")
    }

    private mutating func member(_ name: StaticString, _ word: String) {
        key(name)
        buffer.writeInteger(UInt8(ascii: "\""))
        raw(word)
        buffer.writeInteger(UInt8(ascii: "\""))
    }

    private mutating func key(_ name: StaticString) {
        buffer.writeStaticString(",\"")
        buffer.writeStaticString(name)
        buffer.writeStaticString("\":")
    }
}

extension ModelSummary {
    /// The shards of an active download, by index.
    fileprivate var fetchedShards: [Int: DownloadStatus.Shard] {
        guard let download, download.state.isActive else { return [:] }
        return Dictionary(download.shards.map { ($0.index.rawValue, $0) }, uniquingKeysWith: { first, _ in first })
    }
}

extension DownloadStatus.State {
    /// What lists of models call it; nil where it is over and well.
    fileprivate var acquisition: String? {
        switch self {
        case .awaitingManifest, .downloading, .paused: "downloading"
        case .failed: "failed"
        case .complete, .cancelled: nil
        }
    }
}

extension DownloadStatus.Shard.State {
    /// What lists of models call it; nil where nothing is under way.
    fileprivate var shownInLists: String? {
        switch self {
        case .pending: "Queued"
        case .downloading: "Downloading"
        case .verifying: "Verifying"
        case .complete, .failed: nil
        }
    }
}
