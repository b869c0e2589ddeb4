import HummingbirdTesting
import Logging
import NIOCore
import NIOEmbedded
import Testing

@testable import HTTPAPI

@Suite("Connections")
struct ConnectionTests {
    private static func node(_ change: (inout ConnectionLimits) -> Void) -> ScriptedNode {
        var node = ScriptedNode()
        node.configuration.connections = ConnectionLimits(total: 64)
        change(&node.configuration.connections)
        return node
    }

    private static let get = "GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n"

    private static func post(_ headers: String, path: String = "/tokenize", key: String? = ScriptedNode.key) -> String {
        "POST \(path) HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
            + (key.map { "Authorization: Bearer \($0)\r\n" } ?? "") + headers + "\r\n\r\n"
    }

    @Test("end when a head does not come in time", arguments: ["", "GET / HTTP/1.1\r\nHost: loc", "\r\n"])
    func slowHead(text: String) async throws {
        // Long enough for a machine that is busy to send, and read, what is sent in time.
        try await Self.node { $0.headTime = .seconds(2) }.serve { client in
            let silence = try await client.raw(text)
            #expect(silence.isEmpty)
            // After an answer too.
            let answer = try await client.raw(Self.get, then: Array("GET / HT".utf8))
            #expect(answer.hasPrefix("HTTP/1.1 200") && answer.split(separator: "HTTP/1.1").count == 1)
        }
    }

    @Test("end when a small body does not come in time")
    func slowBody() async throws {
        try await Self.node { $0.bodyTime = .milliseconds(100) }.serve { client in
            let answer = try await client.raw(Self.post("Content-Length: 10") + "{")
            #expect(answer.hasPrefix("HTTP/1.1 408"), "\(answer)")
            #expect(answer.contains("the body did not come in time"))
        }
    }

    @Test(
        "end when a body does not come that nobody waits for any more",
        arguments: [
            post("Content-Length: 10", key: nil), post("Content-Length: 10", key: "wrong"),
            post("Transfer-Encoding: chunked", key: nil), post("Content-Length: 10", path: "/nowhere"),
            "GET /health HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\n",
        ])
    func rest(request: String) async throws {
        try await Self.node { $0.restTime = .milliseconds(100) }.serve { client in
            let answer = try await client.raw(request)
            #expect(["401", "404", "200"].contains { answer.hasPrefix("HTTP/1.1 \($0)") }, "\(answer)")
        }
    }

    @Test("make room for new ones, the one that has been idle for longest first")
    func displaced() async throws {
        try await Self.node { $0 = ConnectionLimits(total: 2, perAddress: 2) }.serve { client in
            let port = try #require(client.client.port)
            try await RawConnection.with(port: port) { first in
                try await first.send("GET")
                let second = try await client.raw(
                    Self.get + "GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
                #expect(second.hasPrefix("HTTP/1.1 200"))
                try await RawConnection.with(port: port) { third in
                    try await third.send("GET")
                    let fourth = try await client.raw(
                        "GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
                    #expect(fourth.contains("\nshoal_http_connections_displaced_total "))
                    #expect(!fourth.contains("\nshoal_http_connections_displaced_total 0\n"))
                    #expect(try await first.exchange("", then: []).isEmpty)
                }
            }
            let health = try await client.raw("GET /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            #expect(health.contains("too many connections"))
        }
    }

    @Test("are counted by address, and turned away where nothing is idle")
    func roster() throws {
        let roster = ConnectionRoster(
            limits: ConnectionLimits(total: 4, perAddress: 2),
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        let channels = (0..<8).map { _ in EmbeddedChannel() }
        #expect(roster.entered(channels[0], from: "a") && roster.entered(channels[1], from: "a"))
        #expect(!roster.isCrowded)
        roster.note(channels[0], isBusy: true)
        roster.note(channels[1], isBusy: true)
        #expect(!roster.entered(channels[2], from: "a"))
        #expect(roster.isCrowded)
        #expect(roster.entered(channels[3], from: "b"))
        roster.note(channels[1], isBusy: false)
        #expect(roster.entered(channels[4], from: "a"))
        #expect(roster.entered(channels[5], from: "c"))
        #expect(roster.snapshot == .init(open: 4, displaced: 1, refused: 1))
        // All four are taken: b has been idle for longest.
        #expect(roster.entered(channels[6], from: "d"))
        roster.left(channels[3])
        #expect(roster.snapshot == .init(open: 4, displaced: 2, refused: 1))
        for channel in [channels[0], channels[4], channels[5], channels[6]] { roster.left(channel) }
        #expect(roster.snapshot.open == 0)
    }

    @Test(
        "without one host are refused",
        arguments: [
            "GET /health HTTP/1.1\r\n\r\n", "GET /health HTTP/1.1\r\nHost: localhost\r\nhost: evil.example\r\n\r\n",
        ])
    func hosts(request: String) async throws {
        try await ScriptedNode().serve { client in
            let answer = try await client.raw(request)
            #expect(answer.hasPrefix("HTTP/1.1 400"), "\(answer)")
            #expect(answer.contains("host") && answer.lowercased().contains("connection: close"))
        }
    }

    @Test(
        "of HTTP/1.0 get answers without chunks and end",
        arguments: ["", "Host: localhost\r\nConnection: keep-alive\r\n"])
    func old(headers: String) async throws {
        try await ScriptedNode().serve { client in
            let answer = try await client.raw("GET /health HTTP/1.0\r\n\(headers)\r\n")
            #expect(answer.hasPrefix("HTTP/1.0 200"), "\(answer)")
            #expect(!answer.lowercased().contains("transfer-encoding"))
            #expect(answer.hasSuffix(#"{"status":"ok"}"#), "\(answer)")
            let body = #"{"model":"demo","prompt":"a","stream":true}"#
            let streamed = try await client.raw(
                "POST /v1/completions HTTP/1.0\r\n\(headers)Authorization: Bearer \(ScriptedNode.key)\r\n"
                    + "Content-Length: \(body.utf8.count)\r\n\r\n\(body)")
            #expect(streamed.hasPrefix("HTTP/1.0 200"), "\(streamed)")
            #expect(!streamed.lowercased().contains("transfer-encoding"))
            #expect(streamed.contains("\r\n\r\ndata: {") && streamed.hasSuffix("data: [DONE]\n\n"), "\(streamed)")
        }
    }

    @Test("are told to go on where they ask, and before that whether they may", arguments: [10, 100_000])
    func expectations(length: Int) async throws {
        try await Self.node { $0.restTime = .milliseconds(100) }.serve { client in
            let body = #"{"model":"demo","content":"a"}"#
            let padded = body + String(repeating: " ", count: max(0, length - body.utf8.count))
            let headers = "Expect: 100-continue\r\nConnection: close\r\nContent-Length: \(padded.utf8.count)"
            let answer = try await client.raw(Self.post(headers), then: Array(padded.utf8))
            #expect(answer.hasPrefix("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200"), "\(answer)")
            let refused = try await client.raw(Self.post(headers, key: "wrong"))
            #expect(refused.hasPrefix("HTTP/1.1 401"), "\(refused)")
        }
    }

    @Test(
        "whose bodies are not framed as they should be get 400",
        arguments: ["zz\r\n{}\r\n0\r\n\r\n", "2\r\n{}xx\r\n0\r\n\r\n", "-1\r\n\r\n", "ffffffffffffffffff\r\n"])
    func chunks(body: String) async throws {
        try await Self.node { $0.restTime = .milliseconds(100) }.serve { client in
            let answer = try await client.raw(Self.post("Transfer-Encoding: chunked") + body)
            #expect(answer.hasPrefix("HTTP/1.1 400"), "\(answer)")
        }
    }
}
