import Accounts
import Cluster
import HTTPTypes
import Hardware
import Hummingbird
import Identifiers
import JSON
import Link
import NodeAPI

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
    let audit: AuditTrail
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
        let (tokens, next) = page.part(of: cluster.tokens.list()) { "\($0.id)" }
        return try .json(
            encoding: ClusterTokenListBody(tokens: tokens.map { ClusterTokenBody($0, text: $0.shown) }, next: next))
    }

    @Sendable private func createToken(_ request: Request, context: APIRequestContext) async throws -> Response {
        var fields = try RequestFields(try await request.json(limitBytes: configuration.bodyLimitBytes))
        let name = try fields.requiredString("name")
        try fields.refuseUnread()
        let (token, text) = try await audit.recording(.createClusterToken, on: .thing("cluster_token", name), context) {
            try await cluster.tokens.create(
                name: name, note: audit.note(.createClusterToken, context) { ($0.subject, []) })
        }
        var response = try Response.json(encoding: ClusterTokenBody(token, text: text), status: .created)
        response.headers[.cacheControl] = "no-store"
        return response
    }

    @Sendable private func revokeToken(_ request: Request, context: APIRequestContext) async throws -> Response {
        let text = try context.pathParameter("id")
        try await audit.recording(.revokeClusterToken, on: .thing("cluster_token", text), context) {
            guard let id = ClusterTokenID(text) else {
                throw APIError.notFound("there is no cluster token \(text.prefix(64))", parameter: "id")
            }
            // A veto would come too late: workers are cut off before anything is written.
            try await audit.log.confirm(context.actor)
            _ = try await cluster.revoke(id, note: audit.note(.revokeClusterToken, context) { ($0.subject, []) })
        }
        return .json(["success": true])
    }

    // MARK: Nodes

    @Sendable private func clients(_ request: Request, context: APIRequestContext) async throws -> Response {
        var query = try QueryFields(request)
        let page = try Page(&query)
        try query.refuseUnread()
        let (clients, next) = page.part(of: cluster.clients(), cursor: \.node.hex)
        return try .json(encoding: ClusterClientListBody(clients: clients.map(ClusterClientBody.init), next: next))
    }

    @Sendable private func nodes(_ request: Request, context: APIRequestContext) async throws -> Response {
        var query = try QueryFields(request)
        let page = try Page(&query)
        let details = try query.string("details")
        guard details == nil || details == "true" || details == "false" else {
            throw APIError.invalidRequest("details must be true or false", parameter: "details")
        }
        try query.refuseUnread()
        let (nodes, next) = page.part(of: cluster.nodes(), cursor: \.cursor)
        return try .json(
            encoding: ClusterBody(
                masterStats: ClusterBody.Master(cluster.statistics()),
                nodes: nodes.map { ClusterBody.Node($0, isDetailed: details == "true") }, next: next))
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
        try await audit.recording(.setDriver, on: subject, context) {
            let driver = GPUDriver(rawValue: name)
            guard driver != nil || name == Self.anyDriver else {
                let names = GPUDriver.allCases.map(\.rawValue).joined(separator: ", ")
                throw APIError.invalidRequest(
                    "driver must be \(names), or \(Self.anyDriver) for whatever there is", parameter: "driver")
            }
            try await cluster.setDriver(
                driver, hostname: hostname, token: token,
                note: audit.note(.setDriver, context) {
                    (subject, [.note("driver", name), .number("token", $0.id.rawValue)])
                })
        }
        return .json(["success": true])
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

        /// What is to be sent, and with a limit also the cursor of what comes next.
        ///
        /// - Parameter elements: in the order of their cursors' age: what is behind the one that has the cursor `after` is sent.
        func part<Element>(
            of elements: [Element], cursor: (Element) -> String
        ) -> (elements: [Element], next: Nullable<String>?) {
            guard let limit else { return (elements, nil) }
            var rest = elements[...]
            if let after {
                // One that is gone meanwhile ends the list; who wants it all begins anew.
                rest = elements.firstIndex { cursor($0) == after }.map { elements[($0 + 1)...] } ?? []
            }
            let page = rest.prefix(limit)
            return (Array(page), Nullable(wrappedValue: page.count < rest.count ? page.last.map(cursor) : nil))
        }
    }
}

extension AuditAction {
    fileprivate static let createClusterToken = AuditAction("cluster_token.create")
    fileprivate static let revokeClusterToken = AuditAction("cluster_token.revoke")
    fileprivate static let setDriver = AuditAction("cluster_node.set_driver")
}

extension ClusterTokenRecord {
    /// As the audit log calls it.
    fileprivate var subject: AuditSubject { .thing("cluster_token", "\(id) \(name)") }
}

extension ClusterTokenBody {
    /// - Parameter text: the whole token, this once, or what lists show of it.
    fileprivate init(_ token: ClusterTokenRecord, text: String) {
        self.init(
            id: Int(token.id.rawValue), name: token.name, token: text, active: token.isActive,
            createdAt: token.created.formatted(.iso8601))
    }
}

extension ClusterBody.Master {
    fileprivate init(_ statistics: MasterStatistics) {
        self.init(
            totalNodes: statistics.totalNodes, connectedNodes: statistics.connectedNodes,
            totalWorkers: statistics.totalWorkers, totalActiveJobs: statistics.activeJobs,
            totalCompletedJobs: statistics.completedJobs, uptimeSeconds: statistics.uptime.seconds)
    }
}

extension ClusterNode {
    /// Names the node in a list, over changes of the list.
    fileprivate var cursor: String { "\(hostname)~\(token.id)~\(node.hex)" }
}

extension ClusterBody.Node {
    fileprivate init(_ node: ClusterNode, isDetailed: Bool) {
        let devices = node.gpus.map(\.device)
        self.init(
            token: node.token.shown, tokenName: node.token.name, hostname: node.hostname.rawValue, weight: node.weight,
            gpus: devices.count, gpuMemory: devices.map(\.summary),
            totalMemory: devices.reduce(0) { $0 + $1.memoryGigabytes }, workersAvailable: node.workersAvailable,
            ipAddress: node.address, connected: node.isConnected, lastSeen: node.lastSeen.timeIntervalSince1970,
            uptimeSeconds: node.uptime.seconds, activeJobs: node.activeJobs, completedJobs: node.completedJobs,
            nodeId: isDetailed ? node.node.short : nil,
            driver: isDetailed ? Nullable(wrappedValue: node.driver?.rawValue) : nil)
    }
}

extension ClusterClientBody {
    fileprivate init(_ client: ClusterClient) {
        let (cuda, rocm) = (client.gpus.count { $0.api == .cuda }, client.gpus.count { $0.api == .rocm })
        self.init(
            clientId: client.node.short, connectedAt: client.connectedAt.timeIntervalSince1970,
            lastSeen: client.lastSeen.timeIntervalSince1970,
            gpuInfo: GPUs(
                cudaAvailable: cuda > 0, rocmAvailable: rocm > 0, cudaDevices: cuda, rocmDevices: rocm,
                availableBackends: client.backEnds),
            processes: client.processes.map {
                Process(name: $0.name, status: $0.status, weight: $0.weight, model: $0.model)
            })
    }
}

extension Duration {
    /// To the millisecond.
    fileprivate var seconds: Double { (self / .milliseconds(1)).rounded() / 1000 }
}
