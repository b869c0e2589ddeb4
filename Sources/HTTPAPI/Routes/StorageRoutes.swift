import Acquisition
import Catalogue
import Hummingbird
import Identifiers
import JSON
import ModelLibrary
import NodeAPI

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// `/api/admin/*` that concerns what models take, what was given up, and when the node gives less.
struct StorageRoutes: RouteGroup {
    static let family = APIFamily.node

    let models: any ModelService
    let keeper: any KeepingService
    let configuration: HTTPAPIConfiguration

    func add(to table: inout RouteTable) {
        table.get("/api/admin/shard-storage", .openRead, handler: storage)
        table.get("/api/admin/prune-history", .openRead, handler: pruneHistory)
        table.get("/api/admin/schedule", .openRead, handler: schedule)
        table.put("/api/admin/schedule", .administrator, handler: changeSchedule)
    }

    @Sendable private func storage(_ request: Request, context: APIRequestContext) async throws -> Response {
        var text = JSONText()
        text.storage(try await models.storage())
        return .json(text.buffer)
    }

    @Sendable private func pruneHistory(_ request: Request, context: APIRequestContext) async throws -> Response {
        let records = try await keeper.pruneHistory()
        return .json(["events": .array(records.map(\.json)), "total": .integer(records.count)])
    }

    @Sendable private func schedule(_ request: Request, context: APIRequestContext) async throws -> Response {
        try .json(encoding: ScheduleBody(await keeper.schedule()))
    }

    @Sendable private func changeSchedule(_ request: Request, context: APIRequestContext) async throws -> Response {
        var fields = try RequestFields(try await request.json(limitBytes: configuration.bodyLimitBytes))
        let change = ResourceSchedule.Change(
            isEnabled: try fields.bool("enabled"),
            reducedHoursStart: try fields.integer("reduced_hours_start", in: 0...23),
            reducedHoursEnd: try fields.integer("reduced_hours_end", in: 0...23),
            reducedContribution: try fields.string("reduced_contribution", maximumBytes: 64),
            pruneAggressiveness: try fields.string("prune_aggressiveness", maximumBytes: 64))
        try fields.refuseUnread()
        // What cannot be is refused before anything is asked to change.
        _ = try ResourceSchedule.standard.applying(change)
        return try .json(encoding: ScheduleBody(await keeper.setSchedule(change), status: "ok"))
    }
}

extension ScheduleBody {
    fileprivate init(_ schedule: ResourceSchedule, status: String? = nil) {
        self.init(
            enabled: schedule.isEnabled, reducedHoursStart: schedule.reducedHoursStart,
            reducedHoursEnd: schedule.reducedHoursEnd, reducedContribution: schedule.reducedContribution.rawValue,
            pruneAggressiveness: schedule.pruneAggressiveness.rawValue, status: status)
    }
}

extension PruneRecord {
    fileprivate var json: JSONValue {
        [
            "model_id": .string(model.rawValue),
            "model_name": .string(modelName),
            "shard_index": .integer(shard.rawValue),
            "reason": .string(reason),
            "freed_bytes": .integer(Int(clamping: freedBytes)),
            "remaining_local_shards": .integer(remainingShards),
            "holder_count_before": .integer(holdersBefore),
            "holder_count_after": .integer(holdersAfter),
            "timestamp": .string(time.formatted(.iso8601)),
        ]
    }
}
