import GRPCCore
import Link
import ShoalTestSupport
import SwiftProtobuf
import Synchronization
import Testing

@testable import Cluster

/// A worker that keeps to the handshake, and then answers each job with what it was told to.
final class RudeWorker: Sendable {
    let identity = NodeIdentity()
    private let answer: [Shoal_V1_JobEvent]
    /// Whether its jobs end after the answer, and do not hang.
    private let ends: Bool
    private let task = Mutex<Task<Void, any Error>?>(nil)

    init(_ answer: [Shoal_V1_JobEvent], ends: Bool = true) {
        self.answer = answer
        self.ends = ends
    }

    /// Joins before any other, and is preferred to it.
    func start(_ master: TestMaster, token: ClusterToken) async throws {
        let channel = try await LinkChannel.connect(
            to: .node(token.master, addresses: [master.address]),
            credentials: try CurrentCredentials(LinkCredentials(identity: identity, token: token)))
        task.withLock { task in
            task = Task {
                try await channel.cluster.attend { writer in
                    let description = WorkerDescription.sample(hostname: "rude", weight: 10_000)
                    try await writer.write(.with { $0.description_p = description.message })
                    while true {
                        try await Task.sleep(for: .milliseconds(200))
                        try await writer.write(.with { $0.heartbeat = .init() })
                    }
                } onResponse: { response in
                    try await withThrowingDiscardingTaskGroup { group in
                        for try await message in response.messages {
                            guard case .offer(let offer) = message.message else { continue }
                            group.addTask { try? await self.work(offer, channel) }
                        }
                    }
                }
            }
        }
        try await eventually { master.master.clients().contains { $0.node == self.identity.id } }
    }

    func stop() { task.withLock { $0?.cancel() } }

    private func work(_ offer: Shoal_V1_JobOffer, _ channel: LinkChannel) async throws {
        try await channel.cluster.runJob { writer in
            try await writer.write(.with { $0.accepted = offer })
            for event in self.answer { try await writer.write(event) }
            if !self.ends { try await Task.sleep(for: .seconds(60)) }
        } onResponse: { response in
            for try await _ in response.messages {}
        }
    }
}
