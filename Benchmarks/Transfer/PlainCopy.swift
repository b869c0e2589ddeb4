import Foundation
import Link
import NIOCertificateReloading
import NIOCore
import NIOPosix
import NIOSSL
import NIOTLS

/// What there is to compare with: bytes of a file over one TLS connection into another file, and nothing else.
enum PlainCopy {
    private static let chunkBytes = 256 << 10
    /// Chunks that are on their way out at once.
    private static let chunksInFlight = 8

    /// Sends the bytes of `range` of a file to whoever connects.
    /// - Returns: the port.
    static func serve(path: String, range: Range<UInt64>, credentials: CurrentCredentials) async throws -> Int {
        var configuration = try TLSConfiguration.makeServerConfiguration(certificateReloader: credentials)
        configuration.minimumTLSVersion = .tlsv13
        let context = try NIOSSLContext(configuration: configuration)
        let channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let pipeline = channel.pipeline.syncOperations
                    try pipeline.addHandler(NIOSSLServerHandler(context: context))
                    try pipeline.addHandler(Sender(path: path, range: range))
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        return channel.localAddress?.port ?? 0
    }

    /// Writes what comes into a file, from the range's start on.
    static func fetch(port: Int, to path: String, range: Range<UInt64>) async throws {
        var configuration = TLSConfiguration.makeClientConfiguration()
        configuration.minimumTLSVersion = .tlsv13
        configuration.certificateVerification = .none
        let context = try NIOSSLContext(configuration: configuration)
        let done = MultiThreadedEventLoopGroup.singleton.any().makePromise(of: Void.self)
        let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let pipeline = channel.pipeline.syncOperations
                    try pipeline.addHandler(NIOSSLClientHandler(context: context, serverHostname: nil))
                    try pipeline.addHandler(Receiver(path: path, range: range, done: done))
                }
            }
            .connect(host: "127.0.0.1", port: port).get()
        try await done.futureResult.get()
        try await channel.close().get()
    }

    private final class Sender: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        typealias OutboundOut = ByteBuffer

        private let descriptor: Int32
        private var position: UInt64
        private let end: UInt64

        init(path: String, range: Range<UInt64>) {
            descriptor = open(path, O_RDONLY | O_CLOEXEC)
            position = range.lowerBound
            end = range.upperBound
        }

        deinit { close(descriptor) }

        func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
            if case .handshakeCompleted = event as? TLSUserEvent {
                for _ in 0..<chunksInFlight { send(context) }
            }
            context.fireUserInboundEventTriggered(event)
        }

        private func send(_ context: ChannelHandlerContext) {
            guard position < end else { return }
            let count = Int(min(end - position, UInt64(chunkBytes)))
            var buffer = context.channel.allocator.buffer(capacity: count)
            let got = buffer.writeWithUnsafeMutableBytes(minimumWritableBytes: count) { bytes in
                max(0, pread(descriptor, bytes.baseAddress, count, off_t(position)))
            }
            position += UInt64(got)
            let bound = NIOLoopBound((sender: self, context: context), eventLoop: context.eventLoop)
            context.writeAndFlush(wrapOutboundOut(buffer)).whenSuccess {
                bound.value.sender.send(bound.value.context)
            }
        }
    }

    private final class Receiver: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer

        private let descriptor: Int32
        private var position: UInt64
        private let end: UInt64
        private let done: EventLoopPromise<Void>

        init(path: String, range: Range<UInt64>, done: EventLoopPromise<Void>) {
            descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
            position = range.lowerBound
            end = range.upperBound
            self.done = done
        }

        deinit { close(descriptor) }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            let buffer = unwrapInboundIn(data)
            let written = buffer.withUnsafeReadableBytes { bytes in
                pwrite(descriptor, bytes.baseAddress, bytes.count, off_t(position))
            }
            position += UInt64(max(0, written))
            if position >= end { done.succeed() }
        }

        func errorCaught(context: ChannelHandlerContext, error: any Error) {
            done.fail(error)
        }
    }
}
