import Acquisition
import Catalogue
import Hub
import Hummingbird
import Identifiers
import JSON
import ModelLibrary
import NodeAPI

/// `/api/admin/hf/*`: finding models on Hugging Face, and fetching from there.
struct HubRoutes: RouteGroup {
    static let family = APIFamily.node

    /// Repositories that a search answers unless it asks for another number, and at most.
    private static let usualHits = 20
    private static let mostHits = 100
    /// The most shards that one request may name.
    private static let mostShards = 256

    let hub: any HubService
    let acquirer: any AcquisitionService
    let keeper: any KeepingService
    let configuration: HTTPAPIConfiguration

    func add(to table: inout RouteTable) {
        table.get("/api/admin/hf/search", .openRead, handler: search)
        table.get("/api/admin/hf/files", .openRead, handler: files)
        table.get("/api/admin/hf/probe", .openRead, handler: probe)
        table.get("/api/admin/hf/source/{id}", .openRead, handler: source)
        table.post("/api/admin/hf/download-shards", .administrator, handler: download)
    }

    @Sendable private func search(_ request: Request, context: APIRequestContext) async throws -> Response {
        var query = try QueryFields(request)
        let (long, short) = (try query.string("query"), try query.string("q"))
        if let long, let short, long != short {
            throw APIError.invalidRequest("query and q say different things; use one of them", parameter: "q")
        }
        let tasks = try Self.tasks(try query.string("tasks", maximumCharacters: 512))
        let limit = try query.integer("limit", in: 1...Self.mostHits) ?? Self.usualHits
        try query.refuseUnread()
        let words = (long ?? short ?? "").split { $0.isWhitespace }
        guard !words.isEmpty else { return .json(.array([])) }
        let search = HubSearch(text: words.joined(separator: " "), tasks: tasks, limit: limit)
        return try .json(encoding: await hub.search(search).map(HubHitBody.init))
    }

    @Sendable private func files(_ request: Request, context: APIRequestContext) async throws -> Response {
        var query = try QueryFields(request)
        let repository = try HubRepository(field: "repo_id", try query.requiredString("repo_id"))
        try query.refuseUnread()
        return try .json(encoding: HubFilesBody(repository, try await hub.files(of: repository)))
    }

    @Sendable private func probe(_ request: Request, context: APIRequestContext) async throws -> Response {
        var query = try QueryFields(request)
        let origin = try ModelOrigin(
            fields: try query.requiredString("repo_id"),
            file: try query.requiredString("filename", maximumCharacters: HubFilePath.maximumLength),
            revision: try query.string("revision"))
        try query.refuseUnread()
        return try .json(encoding: HubProbeBody(await hub.probe(origin)))
    }

    @Sendable private func source(_ request: Request, context: APIRequestContext) async throws -> Response {
        let id = try context.modelID()
        guard let origin = await keeper.origin(of: id) else {
            throw APIError.notFound(
                "nobody knows where \(id) is on Hugging Face", parameter: "id",
                hint: "GET /api/admin/hf/search finds models.")
        }
        return .json([
            "model_id": .string(id.rawValue), "repo_id": .string(origin.repository), "filename": .string(origin.file),
        ])
    }

    @Sendable private func download(_ request: Request, context: APIRequestContext) async throws -> Response {
        var fields = try RequestFields(try await request.json(limitBytes: configuration.bodyLimitBytes))
        let origin = try ModelOrigin(
            fields: try fields.requiredString("repo_id", maximumBytes: 1024),
            file: try fields.requiredString("filename", maximumBytes: 1024),
            revision: try fields.string("revision", maximumBytes: 1024))
        let wanted = try Self.wanted(&fields)
        let model = try fields.string("model_id", maximumBytes: 256).map { text throws(APIError) in
            guard let id = ModelID(text) else { throw APIError.badModelID(text, parameter: "model_id") }
            return id
        }
        try fields.refuseUnread()
        let start = try await acquirer.pull(origin, wanted, id: model)
        return try .json(
            encoding: HubDownloadBody(
                modelId: start.model.rawValue, shards: start.shards.sorted().map(\.rawValue),
                peerFairShare: wanted == .fairShare))
    }

    /// Exactly one of `shards`, `all_shards` and `peer_fair_share`; an empty list and `false` ask for nothing.
    private static func wanted(_ fields: inout RequestFields) throws(APIError) -> WantedShards {
        let named = try fields.array("shards") ?? []
        let all = try fields.bool("all_shards") ?? false
        let fairShare = try fields.bool("peer_fair_share") ?? false
        guard [!named.isEmpty, all, fairShare].count(where: { $0 }) == 1 else {
            throw fields.invalid(
                "shards", "or all_shards or peer_fair_share must say what to fetch, and only one of them")
        }
        if all { return .all }
        if fairShare { return .fairShare }
        guard named.count <= mostShards else {
            throw fields.invalid("shards", "may name at most \(mostShards) shards, and names \(named.count)")
        }
        var shards: Set<ShardIndex> = []
        for value in named {
            guard let number = value.integer, let index = ShardIndex(number) else {
                throw fields.invalid("shards", "holds \(value.serialized().prefix(40)), which is no index of a shard")
            }
            shards.insert(index)
        }
        return .some(ShardSelection(shards))
    }

    private static func tasks(_ text: String?) throws(APIError) -> Set<ModelTask> {
        var tasks: Set<ModelTask> = []
        for word in (text ?? "").split(separator: ",") {
            guard let task = ModelTask(rawValue: word.trimming(" ")) else {
                let known = ModelTask.allCases.map(\.rawValue).joined(separator: ", ")
                throw .invalidRequest("“\(word.prefix(40))” is none of \(known)", parameter: "tasks")
            }
            tasks.insert(task)
        }
        return tasks
    }
}

extension Substring {
    fileprivate func trimming(_ character: Character) -> String {
        String(drop { $0 == character }.reversed().drop { $0 == character }.reversed())
    }
}
