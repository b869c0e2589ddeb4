import GRPCCore
import Identifiers
import Link

/// Connections to the engines of other nodes, one each, shared by all sessions.
actor EngineLinks {
    /// How long an engine may take to answer a call at its addresses.
    private static let dialLimit: Duration = .seconds(2)

    private let credentials: CurrentCredentials
    private var links: [LinkEndpoint: Task<LinkChannel, any Error>] = [:]

    init(credentials: CurrentCredentials) { self.credentials = credentials }

    /// The connection to an engine, made on first use.
    ///
    /// - Throws: `LinkError`.
    func channel(to endpoint: LinkEndpoint) async throws -> LinkChannel {
        if let link = links[endpoint] { return try await link.value }
        let credentials = self.credentials
        let link = Task<LinkChannel, any Error> {
            try await LinkChannel.connect(
                to: endpoint, credentials: credentials, timeout: Self.dialLimit, loop: .shared)
        }
        // Engines come and go with their ports: of each node only the latest connections are kept.
        if case .node(let id, _) = endpoint { drop(id, keeping: 4) }
        links[endpoint] = link
        do {
            return try await link.value
        } catch {
            if links[endpoint] == link { links[endpoint] = nil }
            throw error
        }
    }

    /// Forgets the connections to a node's engines; sessions that run on them go on.
    func drop(_ node: NodeID?, keeping kept: Int = 0) {
        let known = links.keys.filter { if case .node(node, _) = $0 { true } else { false } }
        guard known.count > kept else { return }
        for endpoint in known { links[endpoint] = nil }
    }

    /// Forgets all connections.
    func dropAll() { links.removeAll() }
}
