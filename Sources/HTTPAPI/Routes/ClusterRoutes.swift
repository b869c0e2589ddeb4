import Accounts
import Cluster
import HTTPTypes
import Hardware
import Hummingbird
import Identifiers
import JSON
import Link

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// `/admin/api/cluster_*` and `/api/admin/cluster_*`: who works for this node.
struct ClusterRoutes: RouteGroup {
    static let family = APIFamily.cluster

    /// Most entries that a page has.
    private static let mostEntries = 1000

    let cluster: ClusterMaster
    let audit: AuditLog
    let configuration: HTTPAPIConfiguration

    func add(to table: inout RouteTable) {
        table.get("/admin/api/cluster_tokens", .administrator, handler: tokens)
        table.post("/admin/api/cluster_tokens", .administrator, handler: createToken)
        table.delete("/admin/api/cluster_tokens/{id}", .administrator, handler: revokeToken)
        table.get("/admin/api/cluster_clients", .administrator, handler: clients)
        table.get("/api/admin/cluster_nodes", .administrator, handler: nodes)
        table.post("/api/admin/cluster_nodes/set_driver", .administrator, handler: setDriver)
    }

    // MARK: Tokens

    @Sendable private func tokens(_ request: Request, context: APIRequestContext) async throws -> Response {
        var query = try QueryFields(request)
        let page = try Page(&query)
        try query.refuseUnread()
        return .json(
            .object(
                page.fields("tokens", of: cluster.tokens.list(), cursor: { "\($0.id)" }) { $0.json(text: $0.shown) }))
    }

    @Sendable private func createToken(_ request: Request, context: APIRequestContext) async throws -> Response {
        var fields = try RequestFields(try await request.json(limitBytes: configuration.bodyLimitBytes))
        let name = try fields.requiredString("name")
        try fields.refuseUnread()
        let (token, text) = try await recording(.createClusterToken, on: .thing("cluster_token", name), context) {
            try await cluster.tokens.create(name: name)
        }
        try await record(.createClusterToken, on: .thing("cluster_token", "\(token.id) \(token.name)"), context)
        var response = Response.json(token.json(text: text), status: .created)
        response.headers[.cacheControl] = "no-store"
        return response
    }

    @Sendable private func revokeToken(_ request: Request, context: APIRequestContext) async throws -> Response {
        let text = try context.pathParameter("id")
        let token = try await recording(.revokeClusterToken, on: .thing("cluster_token", text), context) {
            guard let id = ClusterTokenID(text) else {
                throw APIError.notFound("there is no cluster token \(text.prefix(64))", parameter: "id")
            }
            return try await cluster.revoke(id)
        }
        try await record(.revokeClusterToken, on: .thing("cluster_token", "\(token.id) \(token.name)"), context)
        return .json(["success": true])
    }

    // MARK: Nodes

    @Sendable private func clients(_ request: Request, context: APIRequestContext) async throws -> Response {
        var query = try QueryFields(request)
        let page = try Page(&query)
        try query.refuseUnread()
        return .json(.object(page.fields("clients", of: cluster.clients(), cursor: { $0.node.hex }) { $0.json }))
    }

    @Sendable private func nodes(_ request: Request, context: APIRequestContext) async throws -> Response {
        var query = try QueryFields(request)
        let page = try Page(&query)
        let details = try query.string("details")
        guard details == nil || details == "true" || details == "false" else {
            throw APIError.invalidRequest("details must be true or false", parameter: "details")
        }
        try query.refuseUnread()
        let nodes = page.fields("nodes", of: cluster.nodes(), cursor: { $0.cursor }) {
            $0.json(isDetailed: details == "true")
        }
        return .json(.object([("master_stats", cluster.statistics().json)] + nodes))
    }

    /// What takes a driver back.
    private static let anyDriver = "auto"

    @Sendable private func setDriver(_ request: Request, context: APIRequestContext) async throws -> Response {
        var fields = try await request.formFields()
        let hostname = try fields.requiredString("hostname", maximumBytes: 1024)
        let token = try fields.requiredString("token", maximumBytes: 1024)
        let name = try fields.requiredString("driver", maximumBytes: 1024)
        try fields.refuseUnread()
        let subject = AuditSubject.thing("cluster_node", String(hostname.prefix(253)))
        try await recording(.setDriver, on: subject, context) {
            let driver = GPUDriver(rawValue: name)
            guard driver != nil || name == Self.anyDriver else {
                let names = GPUDriver.allCases.map(\.rawValue).joined(separator: ", ")
                throw APIError.invalidRequest(
                    "driver must be \(names), or \(Self.anyDriver) for whatever there is", parameter: "driver")
            }
            let record = try await cluster.setDriver(driver, hostname: hostname, token: token)
            try await self.record(
                .setDriver, on: subject, context,
                details: [.note("driver", name), .number("token", record.id.rawValue)])
        }
        return .json(["success": true])
    }

    // MARK: The audit log

    private func record(
        _ action: AuditAction, on subject: AuditSubject, _ context: APIRequestContext, outcome: AuditOutcome = .done,
        details: [AuditDetail] = []
    ) async throws {
        try await audit.record(AuditEvent(context.actor, action, on: subject, outcome: outcome, details: details))
    }

    /// Runs `body`, and records where it is refused or fails.
    private func recording<Value>(
        _ action: AuditAction, on subject: AuditSubject, _ context: APIRequestContext, _ body: () async throws -> Value
    ) async throws -> Value {
        do {
            return try await body()
        } catch {
            let told = APIError(error, logger: context.logger)
            try await record(
                action, on: subject, context, outcome: told.status.code < 500 ? .refused : .failed,
                details: [.note("reason", told.message)])
            throw told
        }
    }

    /// Which part of a list is wanted: all of it, unless the client gives a limit.
    private struct Page {
        private let limit: Int?
        private let after: String?

        init(_ query: inout QueryFields) throws {
            limit = try query.integer("limit", in: 1...mostEntries)
            after = try query.string("after", maximumCharacters: 512)
            if after != nil, limit == nil {
                throw APIError.invalidRequest(
                    "after needs limit, which makes the list one of pages", parameter: "after")
            }
        }

        /// The list as a field, and with a limit also `next`.
        ///
        /// - Parameter elements: in the order of their cursors' age: what is behind the one that has the cursor `after` is sent.
        func fields<Element>(
            _ name: String, of elements: [Element], cursor: (Element) -> String, json: (Element) -> JSONValue
        ) -> [(String, JSONValue)] {
            guard let limit else { return [(name, .array(elements.map(json)))] }
            var rest = elements[...]
            if let after {
                // One that is gone meanwhile ends the list; who wants it all begins anew.
                rest = elements.firstIndex { cursor($0) == after }.map { elements[($0 + 1)...] } ?? []
            }
            let page = rest.prefix(limit)
            let next = page.count < rest.count ? page.last.map { JSONValue.string(cursor($0)) } : nil
            return [(name, .array(page.map(json))), ("next", next ?? .null)]
        }
    }
}

extension AuditAction {
    fileprivate static let createClusterToken = AuditAction("cluster_token.create")
    fileprivate static let revokeClusterToken = AuditAction("cluster_token.revoke")
    fileprivate static let setDriver = AuditAction("cluster_node.set_driver")
}

extension ClusterTokenRecord {
    /// - Parameter text: the whole token, this once, or what lists show of it.
    fileprivate func json(text: String) -> JSONValue {
        [
            "id": .integer(Int(id.rawValue)),
            "name": .string(name),
            "token": .string(text),
            "active": .bool(isActive),
            "created_at": .string(created.formatted(.iso8601)),
        ]
    }
}

extension MasterStatistics {
    fileprivate var json: JSONValue {
        [
            "total_nodes": .integer(totalNodes),
            "connected_nodes": .integer(connectedNodes),
            "total_workers": .integer(totalWorkers),
            "total_active_jobs": .integer(activeJobs),
            "total_completed_jobs": .integer(completedJobs),
            "uptime_seconds": .number(uptime.seconds),
        ]
    }
}

extension ClusterNode {
    /// Names the node in a list, over changes of the list.
    fileprivate var cursor: String { "\(hostname)~\(token.id)~\(node.hex)" }

    fileprivate func json(isDetailed: Bool) -> JSONValue {
        let devices = gpus.map(\.device)
        var fields: [(String, JSONValue)] = [
            ("token", .string(token.shown)),
            ("token_name", .string(token.name)),
            ("hostname", .string(hostname.rawValue)),
            ("weight", .integer(weight)),
            ("gpus", .integer(gpus.count)),
            ("gpu_memory", .array(devices.map { .string($0.summary) })),
            ("total_memory", .integer(devices.reduce(0) { $0 + $1.memoryGigabytes })),
            ("workers_available", .integer(workersAvailable)),
            ("ip_address", .string(address)),
            ("connected", .bool(isConnected)),
            ("last_seen", .number(lastSeen.timeIntervalSince1970)),
            ("uptime_seconds", .number(uptime.seconds)),
            ("active_jobs", .integer(activeJobs)),
            ("completed_jobs", .integer(completedJobs)),
        ]
        if isDetailed {
            fields += [
                ("node_id", .string(node.short)),
                ("driver", driver.map { .string($0.rawValue) } ?? .null),
            ]
        }
        return .object(fields)
    }
}

extension ClusterClient {
    fileprivate var json: JSONValue {
        let (cuda, rocm) = (gpus.count { $0.api == .cuda }, gpus.count { $0.api == .rocm })
        return [
            "client_id": .string(node.short),
            "connected_at": .number(connectedAt.timeIntervalSince1970),
            "last_seen": .number(lastSeen.timeIntervalSince1970),
            "gpu_info": [
                "cuda_available": .bool(cuda > 0),
                "rocm_available": .bool(rocm > 0),
                "cuda_devices": .integer(cuda),
                "rocm_devices": .integer(rocm),
                "available_backends": .array(backEnds.map { .string($0) }),
            ],
            "processes": .array(
                processes.map {
                    [
                        "name": .string($0.name), "status": .string($0.status), "weight": .integer($0.weight),
                        "model": .string($0.model),
                    ]
                }),
        ]
    }
}

extension Duration {
    /// To the millisecond.
    fileprivate var seconds: Double { (self / .milliseconds(1)).rounded() / 1000 }
}
