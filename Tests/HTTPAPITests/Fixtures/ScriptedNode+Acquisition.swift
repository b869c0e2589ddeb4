import Acquisition
import Catalogue
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
        models: [summary], diskUsageBytes: 3 << 20,
        limits: StorageLimits(
            isAutoManaged: true, autoManagedMegabytes: 25_000, diskMegabytes: 50_000, memoryMegabytes: 16_000),
        poolMemoryMegabytes: 48_000, peerCount: 2)
}

/// The downloads of a node that is fetching a model.
struct ScriptedDownloads: DownloadService {
    var calls: RecordedCalls?
    var list: @Sendable () -> [DownloadStatus] = { [ScriptedNode.download] }

    func statuses() async -> [DownloadStatus] { list() }

    func status(of model: ModelID) async -> DownloadStatus? {
        calls?.add("download \(model)")
        return list().first { $0.model == model }
    }

    func cancel(_ model: ModelID) async throws { calls?.add("cancel \(model)") }
}

/// Takes every wish to hold models, unless a test refuses it.
struct ScriptedAcquirer: AcquisitionService {
    var calls: RecordedCalls?
    var adding: @Sendable () throws -> Void = {}

    func add(_ model: ModelID) async throws {
        calls?.add("add \(model)")
        try adding()
    }

    func fetch(_ shard: ShardIndex, of model: ModelID) async throws -> ShardDownload {
        calls?.add("download \(model) \(shard)")
        return switch shard.rawValue {
        case 0: .alreadyLocal
        case 1: .fromPeer(ScriptedNode.id(2))
        default: .fromHub(ScriptedNode.origin)
        }
    }

    func pull(
        _ origin: ModelOrigin, _ wanted: WantedShards, id: ModelID?
    ) async throws -> (model: ModelID, shards: Set<ShardIndex>) {
        calls?.add("download \(origin)")
        let shards: Set<ShardIndex> =
            switch wanted {
            case .some(let selection): selection.indices
            case .all: [ScriptedNode.shard(0), ScriptedNode.shard(1), ScriptedNode.shard(2)]
            case .fairShare: [ScriptedNode.shard(2)]
            case .fairShareAnd(let selection): selection.indices.union([ScriptedNode.shard(2)])
            }
        return (id ?? ScriptedNode.model("demo"), shards)
    }
}

/// Keeps nothing, and says what it was told to.
struct ScriptedKeeper: KeepingService {
    var calls: RecordedCalls?
    var settingPolicy: @Sendable (ModelPolicy) -> Void = { _ in }

    func origin(of model: ModelID) async -> ModelOrigin? {
        calls?.add("origin \(model)")
        return model == ScriptedNode.download.model ? ScriptedNode.origin : nil
    }

    func policy(of model: ModelID) async throws -> ModelPolicy {
        calls?.add("policy \(model)")
        return .standard
    }

    func setPolicy(_ policy: ModelPolicy, of model: ModelID) async throws {
        calls?.add("policy \(model) \(policy)")
        settingPolicy(policy)
    }

    func setLocked(_ isLocked: Bool, _ shard: ShardIndex, of model: ModelID) async throws {
        calls?.add("lock \(model) \(shard) \(isLocked)")
    }

    func pruneHistory() async throws -> [PruneRecord] { [ScriptedNode.prune] }
    func schedule() async -> ResourceSchedule { .standard }

    func setSchedule(_ change: ResourceSchedule.Change) async throws -> ResourceSchedule {
        calls?.add("schedule \(change)")
        return try ResourceSchedule.standard.applying(change)
    }
}

/// A hub with one repository.
struct ScriptedHub: HubService {
    var calls: RecordedCalls?

    func search(_ search: HubSearch) async throws -> [HubFinding] {
        calls?.add("search \(search.text)")
        return [try ScriptedNode.finding]
    }

    func files(of repository: HubRepository) async throws -> [HubVariant] {
        calls?.add("files \(repository)")
        return ScriptedNode.variants
    }

    func probe(_ file: ModelOrigin) async throws -> HeaderProbe {
        calls?.add("probe \(file)")
        return HeaderProbe(
            sizeBytes: 668_000_000, headerBytes: 700_000, shardCount: 2, architecture: "llama", isSupported: true,
            replicas: 1)
    }
}
