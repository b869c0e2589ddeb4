import Accounts
import Hummingbird
import Identifiers
import JSON
import Link
import NodeAPI
import Swarm

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// `/api/admin/*` that concerns the node and its swarm.
struct NodeAdminRoutes: RouteGroup {
    static let family = APIFamily.node

    /// The longest invite code or multiaddress.
    private static let longestCode = 4096

    let services: NodeServices
    let configuration: HTTPAPIConfiguration

    func add(to table: inout RouteTable) {
        table.get("/api/admin/stats", .openRead, handler: statistics)
        table.get("/api/admin/peers", .openRead, handler: peers)
        table.get("/api/admin/network-code", .administrator, handler: networkCode)
        table.post("/api/admin/join-network", .administrator, handler: joinNetwork)
        table.post("/api/admin/leave-network", .administrator, handler: leaveNetwork)
        table.delete("/api/admin/peers/{id}", .administrator, handler: forgetPeer)
        table.post("/api/admin/shutdown", .administratorOnLoopback, handler: shutDown)
        table.get("/api/admin/api-key", .administrator, handler: apiKey)
    }

    @Sendable private func statistics(_ request: Request, context: APIRequestContext) async throws -> Response {
        try .json(encoding: StatisticsBody(await services.node.statistics(), version: services.node.version))
    }

    @Sendable private func peers(_ request: Request, context: APIRequestContext) async throws -> Response {
        let now = Date()
        return try .json(
            encoding: await services.swarm.peers().map { PeerBody($0.peer, trustScore: $0.trustScore, now: now) })
    }

    @Sendable private func networkCode(_ request: Request, context: APIRequestContext) async throws -> Response {
        let code = try await services.swarm.networkCode()
        try await services.accounts.audit.record(
            AuditEvent(context.actor, .showNetworkCode, on: .thing("swarm", "key")))
        var response = try Response.json(
            encoding: NetworkCodeBody(
                code: code.code, nodeId: code.nodeID.short, peerId: code.nodeID.hex,
                listenMultiaddrs: code.listenAddresses, phase: code.peerCount == 0 ? "seedling" : "established",
                peerCount: code.peerCount))
        response.headers[.cacheControl] = "no-store"
        return response
    }

    @Sendable private func joinNetwork(_ request: Request, context: APIRequestContext) async throws -> Response {
        var fields = try RequestFields(try await request.json(limitBytes: configuration.bodyLimitBytes))
        let code = try fields.requiredString("code", maximumBytes: Self.longestCode)
        try fields.refuseUnread()
        let address = try await services.swarm.join(code)
        return try .json(
            encoding: JoinedNetworkBody(address: address, message: "Joined the swarm through \(address)."))
    }

    @Sendable private func leaveNetwork(_ request: Request, context: APIRequestContext) async throws -> Response {
        let count = try await services.swarm.leave()
        try await services.accounts.audit.record(
            AuditEvent(
                context.actor, .leaveSwarm, on: .thing("swarm", "key"), details: [.number("peers", Int64(count))]))
        return try .json(encoding: LeftNetworkBody(forgottenPeers: count))
    }

    /// - Throws: 404 where no node, or more than one, begins with what the path says.
    @Sendable private func forgetPeer(_ request: Request, context: APIRequestContext) async throws -> Response {
        let text = try context.pathParameter("id").lowercased()
        let found = await services.swarm.peers().map(\.peer.id).filter {
            text.utf8.count >= NodeID.shortLength && $0.hex.hasPrefix(text)
        }
        guard found.count == 1, let peer = found.first else {
            throw APIError.notFound("the swarm has no node \(text.prefix(64))", parameter: "id")
        }
        try await services.swarm.forget(peer)
        try await services.accounts.audit.record(
            AuditEvent(context.actor, .forgetPeer, on: .thing("peer", peer.short)))
        return .json(["status": "ok", "node_id": .string(peer.short)])
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
    fileprivate static let leaveSwarm = AuditAction("swarm.leave")
    fileprivate static let forgetPeer = AuditAction("swarm.forget_peer")
    /// Whoever saw the code can make nodes of the swarm.
    fileprivate static let showNetworkCode = AuditAction("swarm.show_code")
}
