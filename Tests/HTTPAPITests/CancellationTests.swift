import Generation
import HTTPTypes
import Inference
import JSON
import Logging
import NIOCore
import NIOPosix
import ServiceLifecycle
import Testing

@testable import HTTPAPI

@Suite("Answers under way")
struct CancellationTests {
    /// A node that begins to answer, never ends, and tells when the answer was given up.
    private static func endless(_ events: [GenerationEvent]) -> (
        node: ScriptedNode, began: AsyncStream<Void>, ended: AsyncStream<Void>
    ) {
        let (began, beginning) = AsyncStream.makeStream(of: Void.self)
        let (ended, ending) = AsyncStream.makeStream(of: Void.self)
        var node = ScriptedNode()
        node.generate = { _ in
            GenerationStream(
                AsyncThrowingStream { continuation in
                    continuation.onTermination = { _ in ending.yield() }
                    for event in events { continuation.yield(event) }
                    beginning.yield()
                })
        }
        return (node, began, ended)
    }

    private static func first(_ stream: AsyncStream<Void>) async {
        var iterator = stream.makeAsyncIterator()
        _ = await iterator.next()
    }

    /// Serves a node on a free port, and hands over the port and the group that it runs in.
    private static func serve(
        _ node: ScriptedNode, _ body: @Sendable (_ port: Int, _ group: ServiceGroup) async throws -> Void
    ) async throws {
        let (ports, port) = AsyncStream.makeStream(of: Int.self)
        let server = HTTPAPI.server(
            configuration: node.configuration, services: node.services, logger: Logger(label: "test"),
            onListening: { port.yield($0) })
        let services = ServiceGroup(configuration: .init(services: [server], logger: Logger(label: "test")))
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await services.run() }
            var iterator = ports.makeAsyncIterator()
            let listening = try #require(await iterator.next())
            try await body(listening, services)
            await services.triggerGracefulShutdown()
            try await group.waitForAll()
        }
    }

    /// Opens a connection and sends a request.
    private static func ask(port: Int, streamed: Bool) async throws -> NIOAsyncChannel<ByteBuffer, ByteBuffer> {
        let channel = try await ClientBootstrap(group: .singletonMultiThreadedEventLoopGroup)
            .connect(host: "127.0.0.1", port: port) { channel in
                channel.eventLoop.makeCompletedFuture {
                    try NIOAsyncChannel<ByteBuffer, ByteBuffer>(wrappingChannelSynchronously: channel)
                }
            }
        let body = ChatCompletionTests.question(("stream", .bool(streamed))).serialized()
        let request =
            "POST /v1/chat/completions HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer \(ScriptedNode.key)\r\n"
            + "Content-Length: \(body.utf8.count)\r\n\r\n\(body)"
        try await channel.channel.writeAndFlush(ByteBuffer(string: request))
        return channel
    }

    @Test("are given up when the client goes away", .timeLimit(.minutes(1)), arguments: [true, false], [0, 1, 2])
    func clientGone(streamed: Bool, eventCount: Int) async throws {
        let (node, began, ended) = Self.endless(Array(ScriptedNode.hello.prefix(eventCount)))
        try await Self.serve(node) { port, _ in
            let channel = try await Self.ask(port: port, streamed: streamed)
            await Self.first(began)
            try await channel.channel.close()
            await Self.first(ended)
        }
    }

    @Test("are ended by a shutdown after the grace period", .timeLimit(.minutes(1)), arguments: [true, false])
    func shutdown(streamed: Bool) async throws {
        var (node, began, ended) = Self.endless(Array(ScriptedNode.hello.prefix(2)))
        node.configuration.shutdownGracePeriod = .milliseconds(1)
        let started = began
        let finished = ended
        try await Self.serve(node) { port, services in
            let channel = try await Self.ask(port: port, streamed: streamed)
            await Self.first(started)
            await services.triggerGracefulShutdown()
            await Self.first(finished)
            var text = ""
            try await channel.executeThenClose { inbound, _ in
                for try await part in inbound { text += String(buffer: part) }
            }
            #expect(text.contains("the node is stopping"))
        }
    }

    @Test("leave the connection open for the next request")
    func keepAlive() async throws {
        try await ScriptedNode().serve { client in
            for streamed in [true, false, true] {
                let body = ChatCompletionTests.question(("stream", .bool(streamed)))
                let answer = try await client.send(.post, "/v1/chat/completions", body)
                #expect(answer.status == 200)
                #expect(answer.headers[.connection] != "close")
            }
        }
    }

    @Test("that take too long are given up unless they are streamed", .timeLimit(.minutes(1)))
    func timeout() async throws {
        var (node, _, _) = Self.endless([])
        node.configuration.requestTimeout = .milliseconds(20)
        try await node.serve { client in
            let answer = try await client.send(.post, "/v1/chat/completions", ChatCompletionTests.question)
            #expect(answer.status == 504)
            #expect(answer.errorType == "timeout_error")
        }
    }

    @Test("reach slow clients whole", .timeLimit(.minutes(1)))
    func largeAnswer() async throws {
        let piece = String(repeating: "x", count: 1000)
        let events =
            [ScriptedNode.started] + (0..<5000).map { _ in GenerationEvent.text(piece, []) } + [ScriptedNode.finished()]
        try await ScriptedNode(events: events).serve { client in
            let answer = try await client.send(
                .post, "/v1/chat/completions", ChatCompletionTests.question(("stream", true)))
            let count = answer.chunks.reduce(0) {
                $0 + ($1["choices"]?[0]?["delta"]?["content"]?.string?.utf8.count ?? 0)
            }
            #expect(count == 5_000_000)
            #expect(answer.events.last == "[DONE]")
        }
    }
}
