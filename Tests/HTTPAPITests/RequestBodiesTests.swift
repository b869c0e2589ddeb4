import Accounts
import Dispatch
import Generation
import HTTPTypes
import Inference
import JSON
import NIOCore
import NIOPosix
import Synchronization
import Testing

@testable import HTTPAPI

@Suite("Large bodies")
struct RequestBodiesTests {
    private static let text = String(repeating: "word ", count: 60_000)

    @Test("are answered as small ones are, with a length and without", arguments: [true, false])
    func answers(hasLength: Bool) async throws {
        let node = ScriptedNode()
        let body = ChatCompletionTests.question(("messages", [["role": "user", "content": .string(Self.text)]]))
            .serialized()
        try await node.serve { client in
            for body in [body, ChatCompletionTests.question.serialized()] {
                let framed =
                    hasLength
                    ? "Content-Length: \(body.utf8.count)\r\n\r\n\(body)"
                    : "Transfer-Encoding: chunked\r\n\r\n\(String(body.utf8.count, radix: 16))\r\n\(body)\r\n0\r\n\r\n"
                let answer = try await client.raw(Self.head() + framed)
                #expect(answer.hasPrefix("HTTP/1.1 200"), "\(answer.prefix(300))")
            }
        }
        guard case .chat(let chat) = try #require(node.requests.all.first).prompt else {
            Issue.record("no chat")
            return
        }
        #expect(chat.messages.first?.texts == [Self.text])
    }

    @Test("past the limit are refused, with a length and without", arguments: [true, false])
    func limit(hasLength: Bool) async throws {
        var node = ScriptedNode()
        node.configuration.bodyLimitBytes = 100_000
        let body = String(repeating: " ", count: 100_001)
        try await node.serve { client in
            let framed =
                hasLength
                ? "Content-Length: \(body.utf8.count)\r\n\r\n\(body)"
                : "Transfer-Encoding: chunked\r\n\r\n\(String(body.utf8.count, radix: 16))\r\n\(body)\r\n0\r\n\r\n"
            let answer = try await client.raw(Self.head() + framed)
            #expect(answer.hasPrefix("HTTP/1.1 413"), "\(answer.prefix(300))")
        }
    }

    /// As many requests as the machine has cores hold their threads; the threads for everybody go on.
    @Test("are dealt with on threads that keep nobody else waiting")
    func threads() async throws {
        let count = max(2, System.coreCount) * 2
        let release = DispatchSemaphore(value: 0)
        let (held, hold) = AsyncStream.makeStream(of: Void.self)
        var node = ScriptedNode()
        node.generate = { request in
            if case .text(let text) = request.prompt, text.utf8.count > 1000 {
                hold.yield()
                release.wait()
            }
            return GenerationStream(
                AsyncThrowingStream { continuation in
                    for event in ScriptedNode.hello { continuation.yield(event) }
                    continuation.finish()
                })
        }
        let body = JSONValue.object([("model", "demo"), ("prompt", .string(Self.text))]).serialized()
        let request = Self.head("/v1/completions") + "Content-Length: \(body.utf8.count)\r\n\r\n\(body)"
        try await node.serve { client in
            try await withThrowingTaskGroup(of: Void.self) { group in
                for _ in 0..<count {
                    group.addTask {
                        let answer = try await client.raw(request)
                        #expect(answer.hasPrefix("HTTP/1.1 200"), "\(answer.prefix(300))")
                    }
                }
                var holding = held.makeAsyncIterator()
                for _ in 0..<2 { await holding.next() }
                for _ in 0..<20 {
                    try await client.expect(200, .get, "/health")
                    try await client.expect(200, .post, "/v1/completions", ["model": "demo", "prompt": "a"])
                }
                for _ in 0..<count { release.signal() }
                try await group.waitForAll()
            }
        }
    }

    @Test("that come in slowly take the room of their own caller alone")
    func slowBodies() async throws {
        let accounts = ScriptedNode.accounts()
        let bob = try await RequestSharesTests.add("bob", .user, to: accounts)
        var node = ScriptedNode()
        node.services.accounts = accounts
        let large: JSONValue = ["model": "demo", "prompt": .string(Self.text)]
        try await node.serve { client in
            try await client.withRawConnection { slow in
                // Together they would take all room there is; nothing comes of either.
                try await slow.send(Self.head() + "Content-Length: \(32 << 20)\r\n\r\n")
                try await client.withRawConnection { slower in
                    try await slower.send(Self.head() + "Content-Length: \(32 << 20)\r\n\r\n")
                    for _ in 0..<3 { try await client.expect(200, .post, "/v1/completions", large, key: bob) }
                }
            }
            // Those who have gone have no room any more.
            try await client.expect(200, .post, "/v1/completions", large)
        }
    }

    private static func head(_ path: String = "/v1/chat/completions") -> String {
        "POST \(path) HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\nAuthorization: Bearer "
            + "\(ScriptedNode.key)\r\n"
    }
}
