import NIOCore
import NIOPosix

/// Whether HTTP without TLS is spoken at an address: what people take for a node's swarm port is often its HTTP port.
package enum HTTPProbe {
    private static let question = "GET / HTTP/1.0\r\n\r\n"
    private static let answer = Array("HTTP/".utf8)

    /// Asks once.
    ///
    /// - Parameter limit: for all of it.
    package static func isAnswered(at address: LinkAddress, within limit: Duration = .seconds(2)) async -> Bool {
        await withTaskGroup(of: Bool.self) { group in
            group.addTask { (try? await ask(address)) ?? false }
            group.addTask {
                try? await Task.sleep(for: limit)
                return false
            }
            defer { group.cancelAll() }
            return await group.next() ?? false
        }
    }

    private static func ask(_ address: LinkAddress) async throws -> Bool {
        let channel = try await ClientBootstrap(group: .singletonMultiThreadedEventLoopGroup)
            .connectTimeout(.seconds(2))
            .connect(host: address.host, port: address.port) { channel in
                channel.eventLoop.makeCompletedFuture {
                    try NIOAsyncChannel<ByteBuffer, ByteBuffer>(wrappingChannelSynchronously: channel)
                }
            }
        return try await channel.executeThenClose { inbound, outbound in
            try await outbound.write(ByteBuffer(string: question))
            var beginning: [UInt8] = []
            for try await buffer in inbound {
                beginning += buffer.readableBytesView.prefix(answer.count)
                if beginning.count >= answer.count { break }
            }
            return beginning.starts(with: answer)
        }
    }
}
