import Acquisition
import Hummingbird
import Identifiers
import JSON
import Link
import ModelLibrary
import NodeAPI

/// `/api/admin/*` by which a node comes to hold models: adding, downloads, and what of it may be given up.
struct AcquisitionRoutes: RouteGroup {
    static let family = APIFamily.node

    let downloads: any DownloadService
    let acquirer: any AcquisitionService
    let keeper: any KeepingService
    let configuration: HTTPAPIConfiguration

    func add(to table: inout RouteTable) {
        table.post("/api/admin/models/{id}/add", .administrator, handler: add)
        table.get("/api/admin/models/{id}/status", .openRead, handler: status)
        table.get("/api/admin/models/{id}/auto-manage", .openRead, handler: policy)
        table.put("/api/admin/models/{id}/auto-manage", .administrator, handler: setPolicy)
        table.put("/api/admin/models/{id}/shards/{index}/lock", .administrator, handler: lock)
        table.post("/api/admin/models/{id}/shards/{index}/download", .administrator, handler: downloadShard)
        table.get("/api/admin/downloads", .openRead, handler: list)
        table.post("/api/admin/downloads/{id}/cancel", .administrator, handler: cancel)
    }

    @Sendable private func add(_ request: Request, context: APIRequestContext) async throws -> Response {
        let id = try context.modelID()
        try await acquirer.add(id)
        return .json(["status": "acquiring", "model_id": .string(id.rawValue)])
    }

    @Sendable private func status(_ request: Request, context: APIRequestContext) async throws -> Response {
        let id = try context.modelID()
        guard let download = await downloads.status(of: id) else {
            return .json([
                "model_id": .string(id.rawValue), "state": "unknown",
                "message": .string("Nothing of \(id) has been downloaded since the node started."),
            ])
        }
        return try .json(encoding: DownloadStatusBody(download))
    }

    @Sendable private func policy(_ request: Request, context: APIRequestContext) async throws -> Response {
        let id = try context.modelID()
        return .json(.object(try await keeper.policy(of: id).fields(of: id)))
    }

    @Sendable private func setPolicy(_ request: Request, context: APIRequestContext) async throws -> Response {
        let id = try context.modelID()
        var fields = try RequestFields(try await request.json(limitBytes: configuration.bodyLimitBytes))
        let standard = ModelPolicy.standard
        let policy = try ModelPolicy(
            isEnabled: fields.bool("enabled") ?? standard.isEnabled,
            maximumShards: fields.integer("max_shards", in: 0...ShardIndex.maximumCount) ?? standard.maximumShards,
            allowsPruning: fields.bool("prune_enabled") ?? standard.allowsPruning)
        try fields.refuseUnread()
        try await keeper.setPolicy(policy, of: id)
        return .json(.object([("status", "ok")] + policy.fields(of: id)))
    }

    @Sendable private func lock(_ request: Request, context: APIRequestContext) async throws -> Response {
        let (id, index) = (try context.modelID(), try context.shardIndex())
        var fields = try RequestFields(try await request.json(limitBytes: configuration.bodyLimitBytes))
        guard let isLocked = try fields.bool("locked") else { throw fields.missing("locked") }
        try fields.refuseUnread()
        try await keeper.setLocked(isLocked, index, of: id)
        return .json([
            "status": "ok", "model_id": .string(id.rawValue), "shard_index": .integer(index.rawValue),
            "locked": .bool(isLocked),
        ])
    }

    @Sendable private func downloadShard(_ request: Request, context: APIRequestContext) async throws -> Response {
        let (id, index) = (try context.modelID(), try context.shardIndex())
        var answer: [(String, JSONValue)] = []
        switch try await acquirer.fetch(index, of: id) {
        case .alreadyLocal: answer = [("status", "already_local")]
        case .fromPeer(let peer):
            answer = [("status", "downloading"), ("source", "p2p"), ("peer", .string(peer.short))]
        case .fromHub(let origin):
            answer = [
                ("status", "use_hf"), ("source", "huggingface"), ("repo_id", .string(origin.repository)),
                ("filename", .string(origin.file)),
            ]
        }
        answer += [("model_id", .string(id.rawValue)), ("shard_index", .integer(index.rawValue))]
        return .json(.object(answer))
    }

    @Sendable private func list(_ request: Request, context: APIRequestContext) async throws -> Response {
        try .json(encoding: DownloadListBody(await downloads.statuses()))
    }

    @Sendable private func cancel(_ request: Request, context: APIRequestContext) async throws -> Response {
        let id = try context.modelID()
        try await downloads.cancel(id)
        return .json(["status": "cancelled", "model_id": .string(id.rawValue)])
    }
}

extension ModelPolicy {
    fileprivate func fields(of model: ModelID) -> [(String, JSONValue)] {
        [
            ("model_id", .string(model.rawValue)), ("enabled", .bool(isEnabled)),
            ("max_shards", .integer(maximumShards)), ("prune_enabled", .bool(allowsPruning)),
        ]
    }
}
