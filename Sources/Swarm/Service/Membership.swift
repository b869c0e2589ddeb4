package import Identifiers
package import Link

/// What the rest of the node knows of the swarm: who is in it, what this node tells them, and how to reach them.
package protocol Membership: Sendable {
    var me: NodeID { get }

    /// What this node says about itself.
    var ownRecord: NodeRecord { get }

    /// Changes what this node says about itself; a change goes to every connected peer at once. Identity, sequence number and time are
    /// filled in.
    func publish(_ update: (inout NodeRecord) -> Void)

    /// Every other node that is known, connected or not.
    func peers() -> [Peer]

    /// What changes from now on; a listener that falls behind loses the oldest news.
    func changes() -> AsyncStream<SwarmChange>

    /// A connection to a peer, shared by all callers.
    ///
    /// - Throws: `LinkError`.
    func channel(to id: NodeID) async throws(LinkError) -> LinkChannel

    /// A code that lets another node into this swarm.
    func inviteCode() throws(SwarmError) -> String

    /// Joins the swarm that a `swarm://` code leads to, or calls the member at a multiaddress of this swarm.
    ///
    /// - Returns: the address that answered.
    @discardableResult
    func join(code: String) async throws(SwarmError) -> Multiaddress
}
