package import GRPCCore
package import Link
import Logging
import Synchronization
import Timing

/// The streams that peers attend on.
extension SwarmService {
    /// Serves a stream that a peer has opened, until it ends.
    ///
    /// - Throws: `RPCError`, which tells the peer why it was cut off.
    package func attend(
        request: RPCAsyncSequence<Shoal_V1_PeerMessage, any Error>, response: RPCWriter<Shoal_V1_PeerMessage>,
        context: ServerContext
    ) async throws {
        guard let peer = context.peer else {
            throw RPCError(code: .permissionDenied, message: "only another node attends")
        }
        guard let session = try open(peer, .accepted, host: context.peerHost) else {
            throw RPCError(code: .alreadyExists, message: "another stream with this node stands")
        }
        try await hold(session) { group in
            group.addTask { try await self.read(request, session) }
            group.addTask { try await self.write(to: response, session) }
        }
    }

    /// Keeps a stream on a connection that this node has made, until it ends.
    ///
    /// - Parameter membership: what `State.membership` was when the connection was made; nil: what it is.
    func attend(on channel: LinkChannel, membership: Int? = nil) async {
        guard let peer = channel.peer else { return }
        do {
            guard let session = try open(peer, .dialled, host: channel.address?.host, membership) else {
                state.withLock { $0.table.dialDropped(peer, at: clock.now()) }
                return
            }
            state.withLock { $0.channels[peer] = channel }
            try await hold(session) { group in
                group.addTask {
                    try await channel.node.attend { writer in
                        try await self.write(to: writer, session)
                    } onResponse: { response in
                        try await self.read(response.messages, session)
                    }
                }
            }
        } catch {
            logger.debug("the stream to a peer ended", metadata: ["peer": "\(peer)", "reason": "\(error)"])
        }
    }

    private func write(to writer: RPCWriter<Shoal_V1_PeerMessage>, _ session: Attendance) async throws {
        while let messages = await session.mailbox.next() {
            for message in messages { try await writer.write(Shoal_V1_PeerMessage(message)) }
        }
    }

    private func read(_ messages: RPCAsyncSequence<Shoal_V1_PeerMessage, any Error>, _ session: Attendance) async throws
    {
        var rules = AttendRules()
        for try await message in messages {
            guard try hear(AttendMessage(message), session, &rules) else { return }
        }
    }
}
