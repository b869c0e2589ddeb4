import Accounts
import Hummingbird
import JSON
import Link

/// `/api/admin/*` that concerns the node and its swarm.
struct NodeAdminRoutes: Sendable {
    /// The longest invite code or multiaddress.
    private static let longestCode = 4096

    let services: NodeServices
    let configuration: HTTPAPIConfiguration

    func add(to table: inout RouteTable) {
        table.get("/api/admin/stats", .openRead, handler: statistics)
        table.get("/api/admin/peers", .openRead, handler: peers)
        table.get("/api/admin/network-code", .administrator, handler: networkCode)
        table.post("/api/admin/join-network", .administrator, handler: joinNetwork)
        table.post("/api/admin/shutdown", .administratorOnLoopback, handler: shutDown)
        table.get("/api/admin/api-key", .administrator, handler: apiKey)
    }

    @Sendable private func statistics(_ request: Request, context: APIRequestContext) async throws -> Response {
        .json(await services.node.statistics().json(version: services.node.version))
    }

    @Sendable private func peers(_ request: Request, context: APIRequestContext) async throws -> Response {
        .json(.array(await services.swarm.peers().map(\.json)))
    }

    @Sendable private func networkCode(_ request: Request, context: APIRequestContext) async throws -> Response {
        let code = try await services.swarm.networkCode()
        try await services.accounts.audit.record(
            AuditEvent(context.actor, .showNetworkCode, on: .thing("swarm", "key")))
        var response = Response.json([
            "code": .string(code.code),
            "node_id": .string(code.nodeID.short),
            "peer_id": .string(code.nodeID.hex),
            "listen_multiaddrs": .array(code.listenAddresses.map { .string($0) }),
            "phase": code.peerCount == 0 ? "seedling" : "established",
            "peer_count": .integer(code.peerCount),
        ])
        response.headers[.cacheControl] = "no-store"
        return response
    }

    @Sendable private func joinNetwork(_ request: Request, context: APIRequestContext) async throws -> Response {
        var fields = try RequestFields(try await request.json(limitBytes: configuration.bodyLimitBytes))
        let code = try fields.requiredString("code", maximumBytes: Self.longestCode)
        try fields.refuseUnread()
        let address = try await services.swarm.join(code)
        return .json([
            "status": "ok", "address": .string(address), "message": "Joined the swarm through \(address).",
        ])
    }

    @Sendable private func shutDown(_ request: Request, context: APIRequestContext) async throws -> Response {
        services.node.shutDown()
        return .json(["status": "shutting_down"])
    }

    @Sendable private func apiKey(_ request: Request, context: APIRequestContext) async throws -> Response {
        try await services.accounts.audit.record(
            AuditEvent(context.actor, .showNodeKey, on: .thing("node", "key")))
        var response = Response.json(["api_key": .string(configuration.apiKey)])
        response.headers[.cacheControl] = "no-store"
        return response
    }
}

extension AuditAction {
    /// The key outlasts the session of whoever saw it: it is replaced by removing the file and starting the node again.
    fileprivate static let showNodeKey = AuditAction("node.show_key")
    /// Whoever saw the code can make nodes of the swarm.
    fileprivate static let showNetworkCode = AuditAction("swarm.show_code")
}
