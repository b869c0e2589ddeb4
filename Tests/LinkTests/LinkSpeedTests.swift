import Foundation
import ShoalTestSupport
import SwiftProtobuf
import Testing

@testable import Link

/// Prints what a round trip costs on this machine: `swift test --filter LinkSpeedTests`.
@Suite("The cost of a round trip", .serialized, .timeLimit(.minutes(2)))
struct LinkSpeedTests {
    enum Way: String, CaseIterable { case mutualTLS, unixSocket }

    @Test("A round trip takes a few milliseconds at most", arguments: Way.allCases, [0, 256 << 10])
    func roundTrip(way: Way, sizeBytes: Int) async throws {
        let swarm = SwarmKey()
        let node = try TestNode(swarm: swarm)
        try await withTemporaryFolder { folder in
            let path = "\(folder)/s"
            try await withLinkServer(node, socketPath: path) { server, _ in
                let channel: LinkChannel
                switch way {
                case .mutualTLS:
                    let address = try #require(LinkAddress(host: "127.0.0.1", port: try await server.port))
                    channel = try await LinkChannel.connect(
                        to: .node(node.id, addresses: [address]), credentials: node.credentials, timeout: .seconds(20))
                case .unixSocket:
                    channel = try await LinkChannel.connect(to: .socket(path: path), timeout: .seconds(20))
                }
                let frame = Shoal_V1_Frame.with {
                    if sizeBytes == 0 {
                        $0.token.token = 1
                    } else {
                        $0.hiddenStates.data = Data(repeating: 1, count: sizeBytes)
                    }
                }
                _ = try await channel.echo(frame, count: 20)
                let times = try await channel.echo(frame, count: sizeBytes == 0 ? 300 : 60).sorted()
                let median = times[times.count / 2]
                print("round trip, \(way.rawValue), \(sizeBytes) bytes: median \(median), fastest \(times[0])")
                #expect(times[0] < .milliseconds(40))
            }
        }
    }
}
