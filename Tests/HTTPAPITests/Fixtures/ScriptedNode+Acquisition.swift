import Acquisition
import FoundationEssentials
import Hub
import Identifiers
import ModelLibrary

@testable import HTTPAPI

extension ScriptedNode {
    static func model(_ text: String) -> ModelID {
        guard let id = ModelID(text) else { preconditionFailure("\(text) is an id") }
        return id
    }

    static func shard(_ number: Int) -> ShardIndex {
        guard let index = ShardIndex(number) else { preconditionFailure("\(number) is an index") }
        return index
    }

    static let origin = ModelOrigin(repository: "owner/demo-GGUF", file: "quants/demo.Q4_K_M.gguf")

    /// Half of a download.
    static let download = DownloadStatus(
        model: model("demo"), name: "Demo", state: .downloading, trigger: .user, source: .mixed,
        shards: [
            .init(index: shard(0), state: .complete, totalBytes: 100, downloadedBytes: 100, source: .peers),
            .init(index: shard(1), state: .downloading, totalBytes: 300, downloadedBytes: 100, source: .huggingface),
            .init(index: shard(2), state: .pending, totalBytes: 400, downloadedBytes: 0),
        ], bytesPerSecond: 60, startedAt: Date(timeIntervalSince1970: 1_700_000_000), log: ["begun", "shard 0 is here"])

    /// A model in one file, one in two parts, and a projector.
    static let variants = HubVariant.group(
        [
            ("quants/demo.Q4_K_M.gguf", 668_000_000), ("demo-00001-of-00002.gguf", 1_000_000_000),
            ("demo-00002-of-00002.gguf", 1_000_000_000), ("mmproj.gguf", 1000),
        ].compactMap { path, bytes in (try? HubFilePath(path)).map { HubListedFile(path: $0, sizeBytes: bytes) } })

    static var finding: HubFinding {
        get throws {
            HubFinding(
                repository: try HubRepository("owner/demo-GGUF"), variants: variants, downloads: 50_000, likes: 120,
                tasks: [.chat, .code], replicas: 1,
                appraisal: ModelAppraisal(
                    sizeBytes: 668_000_000, downloads: 50_000, likes: 120, replicas: 1, requests: 3,
                    means: .init(
                        memoryBytes: 16 << 30, swarmMemoryBytes: 48 << 30, nodeCount: 3, shardSizeBytes: 512 << 20,
                        minimumReplicas: 2)))
        }
    }

    static let prune = PruneRecord(
        model: model("demo"), modelName: "Demo", shard: shard(1), reason: "Five others hold it.", freedBytes: 300,
        remainingShards: 1, holdersBefore: 6, holdersAfter: 5, time: Date(timeIntervalSince1970: 1_700_000_000))

    static let storage = StorageSummary(
        models: [summary], diskUsageBytes: 3 << 20, isAutoManaged: true, autoManagedLimitMegabytes: 25_000,
        diskLimitMegabytes: 50_000, poolMemoryMegabytes: 48_000, localMemoryMegabytes: 16_000, peerCount: 2)

    /// A node that is fetching a model and can do everything.
    static var acquisition: AcquisitionOperations {
        AcquisitionOperations(
            add: { _ in },
            download: { $0 == download.model ? download : nil },
            downloads: { [download] },
            cancel: { _ in },
            downloadShard: { _, shard in
                switch shard.rawValue {
                case 0: .alreadyLocal
                case 1: .fromPeer(id(2))
                default: .fromHub(origin)
                }
            },
            downloadFromHub: { request in
                let shards: Set<ShardIndex> =
                    switch request.wanted {
                    case .some(let selection): selection.indices
                    case .all: [shard(0), shard(1), shard(2)]
                    case .fairShare: [shard(2)]
                    case .fairShareAnd(let selection): selection.indices.union([shard(2)])
                    }
                return HubDownloadStart(model: request.model ?? model("demo"), shards: shards)
            },
            search: { _ in [try finding] },
            files: { _ in variants },
            probe: { _ in
                HeaderProbe(
                    sizeBytes: 668_000_000, headerBytes: 700_000, shardCount: 2, architecture: "llama",
                    isSupported: true, replicas: 1)
            },
            origin: { $0 == download.model ? origin : nil },
            policy: { _ in .standard },
            setPolicy: { _, _ in },
            lock: { _, _, _ in },
            pruneHistory: { [prune] },
            schedule: { .standard },
            changeSchedule: { try ResourceSchedule.standard.applying($0) },
            storage: { storage })
    }
}
