import Foundation
import Link
import Logging
import ServiceLifecycle
import ShoalTestSupport
import Testing

@testable import Swarm

@Suite("The end of a node", .timeLimit(.minutes(1)))
struct SwarmShutdownTests {
    @Test("A node that is shut down says good-bye and is gone within seconds")
    func gracefulShutdown() async throws {
        let key = SwarmKey()
        let steady = try SwarmNode(key: key)
        let leaving = try SwarmNode(key: key)
        let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        try await steady.run { address in
            let server = try LinkServer(
                network: LinkAddress(host: "127.0.0.1", port: 0), credentials: leaving.credentials,
                services: [
                    SwarmNodeService(swarm: leaving.swarm, requests: NoRequests(), shards: NoRequests())
                ], logger: logger)
            let group = ServiceGroup(
                configuration: .init(services: [.init(service: server), .init(service: leaving.swarm)], logger: logger))
            try await withThrowingTaskGroup(of: Void.self) { tasks in
                tasks.addTask { try await group.run() }
                leaving.swarm.listening(host: "127.0.0.1", port: try await server.port)
                try await leaving.swarm.join(code: Multiaddress(address, nodeID: steady.identity.id).description)
                try await eventually { steady.healthyPeers == [leaving.identity.id] }
                let start = ContinuousClock.now
                await group.triggerGracefulShutdown()
                try await tasks.next()
                #expect(ContinuousClock.now - start < .seconds(5))
                try await eventually(within: .seconds(2), "the other side knows") {
                    steady.swarm.peers().allSatisfy { !$0.isConnected }
                }
            }
        }
    }
}
