import Accounts
import Hummingbird
import JSON

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// `/admin/api/audit`: who did what to whom, when, from where.
struct AuditRoutes: RouteGroup {
    static let family = APIFamily.cluster

    let accounts: AccountServices

    func add(to table: inout RouteTable) {
        table.get("/admin/api/audit", .administrator, handler: list)
    }

    @Sendable private func list(_ request: Request, context: APIRequestContext) async throws -> Response {
        var query = try QueryFields(request)
        let limit = try query.pageLimit() ?? .standard
        let after = try query.rowID("after")
        let filter = AuditLog.Filter(
            actor: try query.rowID("actor_id").flatMap { UserID($0) },
            subject: try query.rowID("subject_id").flatMap { UserID($0) })
        try query.refuseUnread()
        let entries = try await accounts.audit.entries(filter, before: after, limit: limit)
        return .json([
            "entries": .array(entries.map(\.json)),
            "next": entries.count == limit.rawValue ? entries.last.map { .integer(Int($0.id)) } ?? .null : .null,
        ])
    }
}

extension AuditEntry {
    fileprivate var json: JSONValue {
        [
            "id": .integer(Int(id)),
            "time": .string(date.formatted(.iso8601)),
            "actor": .string(actor),
            "actor_id": actorUser.map { .integer(Int($0.rawValue)) } ?? .null,
            "action": .string(action.description),
            "subject": .string(subject.description),
            "address": address.map { .string($0) } ?? .null,
            "outcome": .string(outcome.rawValue),
            "details": .object(details.map { ($0.name, .string($0.value)) }),
        ]
    }
}
