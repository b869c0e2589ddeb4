import Identifiers
import Link
import Swarm
import Synchronization

/// The membership of a node that is in no swarm: a worker of a cluster.
final class SoloMembership: Membership {
    let me: NodeID
    private let record: Mutex<NodeRecord>

    init(me: NodeID, record: NodeRecord) {
        self.me = me
        self.record = Mutex(record)
    }

    var ownRecord: NodeRecord { record.withLock { $0 } }

    func publish(_ update: (inout NodeRecord) -> Void) { record.withLock { update(&$0) } }

    func peers() -> [Peer] { [] }

    /// Nothing ever changes; the stream ends with the task that reads it.
    func changes() -> AsyncStream<SwarmChange> { AsyncStream.makeStream(of: SwarmChange.self).stream }

    func channel(to id: NodeID) async throws(LinkError) -> LinkChannel {
        throw LinkError(.unreachable, "a worker of a cluster knows no other node")
    }

    func inviteCode() throws(SwarmError) -> String {
        throw SwarmError(.notListening, "a worker of a cluster has no swarm to invite into")
    }

    func join(code: String) async throws(SwarmError) -> Multiaddress {
        throw SwarmError(.notListening, "a worker of a cluster joins no swarm: run “shoal serve” for that")
    }
}
