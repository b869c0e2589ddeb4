import HummingbirdTesting
import NIOCore
import NIOPosix
import Testing

@testable import HTTPAPI

/// A connection that sends what it is given, byte for byte, and collects what comes back.
struct RawConnection {
    private let inbound: NIOAsyncChannelInboundStream<ByteBuffer>
    private let outbound: NIOAsyncChannelOutboundWriter<ByteBuffer>

    /// Opens a connection to this machine while `body` runs.
    static func with<Value: Sendable>(
        port: Int, _ body: @escaping @Sendable (RawConnection) async throws -> Value
    ) async throws -> Value {
        let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .connect(host: "127.0.0.1", port: port) { channel in
                channel.eventLoop.makeCompletedFuture {
                    try NIOAsyncChannel<ByteBuffer, ByteBuffer>(wrappingChannelSynchronously: channel)
                }
            }
        return try await channel.executeThenClose { inbound, outbound in
            try await body(RawConnection(inbound: inbound, outbound: outbound))
        }
    }

    func send(_ text: String) async throws { try await outbound.write(ByteBuffer(string: text)) }

    /// Sends `first`, and `second` once something has come back; all that comes back until the node closes.
    func exchange(_ first: String, then second: [UInt8]) async throws -> String {
        if !first.isEmpty { try await send(first) }
        var answer = ByteBuffer()
        var isSent = false
        for try await var piece in inbound {
            answer.writeBuffer(&piece)
            if !isSent, !second.isEmpty { try await outbound.write(ByteBuffer(bytes: second)) }
            isSent = true
        }
        return String(buffer: answer)
    }
}

extension ContractClient {
    /// Opens a connection to the node while `body` runs.
    func withRawConnection<Value: Sendable>(
        _ body: @escaping @Sendable (RawConnection) async throws -> Value
    ) async throws -> Value {
        try await RawConnection.with(port: try #require(client.port), body)
    }

    /// Sends bytes as they are; all that comes back until the node closes the connection.
    func raw(_ text: String, then second: [UInt8] = []) async throws -> String {
        try await withRawConnection { try await $0.exchange(text, then: second) }
    }
}
