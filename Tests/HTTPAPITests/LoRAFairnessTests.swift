import Accounts
import Adapters
import HTTPAPI
import HTTPTypes
import Testing

@Suite("Uploads of LoRA files")
struct LoRAFairnessTests {
    /// A request up to the middle of its file, and the rest of it.
    private static func request(_ key: String, _ name: String, path: String = "/lora/upload") -> (
        begin: String, end: String
    ) {
        let body = String(
            decoding: LoRATests.body([.file(name, LoRAFolders.safetensors(0x41))]), as: UTF8.self)
        let head =
            "POST \(path) HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer \(key)\r\nConnection: close\r\n"
            + "Content-Type: multipart/form-data; boundary=\(FormField.boundary)\r\n"
            + "Content-Length: \(body.utf8.count)\r\n\r\n"
        return (head + body.dropLast(50), String(body.suffix(50)))
    }

    @Test("leave room for others: a user with a whole share waits, and is told so after a while")
    func shares() async throws {
        let limits = LoRAUploadLimits(fileBytes: 1 << 20, uploads: 8, queueing: .milliseconds(200))
        try await ScriptedNode.serveLoRAsToUsers(limits: limits) { client, folders, accounts in
            let (greedy, other) = (try await accounts.addUser("greedy"), try await accounts.addUser("other"))
            try await client.withRawConnection { first in
                try await first.send(Self.request(greedy.text, "a.safetensors").begin)
                try await client.withRawConnection { second in
                    try await second.send(Self.request(greedy.text, "b.safetensors").begin)
                    while try folders.incoming().count < 2 { await Task.yield() }
                    let third = Self.request(greedy.text, "c.safetensors")
                    let refused = try await client.raw(third.begin + third.end)
                    #expect(refused.hasPrefix("HTTP/1.1 503"), "\(refused)")
                    #expect(refused.contains("2 uploads of yours") && refused.lowercased().contains("retry-after"))
                    let theirs = Self.request(other.text, "d.safetensors")
                    #expect(try await client.raw(theirs.begin + theirs.end).hasPrefix("HTTP/1.1 200"))
                    _ = try await second.exchange(Self.request(greedy.text, "b.safetensors").end, then: [])
                    #expect(try await client.raw(third.begin + third.end).hasPrefix("HTTP/1.1 200"))
                }
            }
        }
    }

    @Test("of one user that are more than a share come one after the other, and all of them")
    func queue() async throws {
        let limits = LoRAUploadLimits(fileBytes: 1 << 20, uploads: 8, queueing: .seconds(60))
        try await ScriptedNode.serveLoRAsToUsers(limits: limits) { client, folders, accounts in
            let (one, two) = (try await accounts.addUser("one"), try await accounts.addUser("two"))
            let answers = try await withThrowingTaskGroup(of: String.self) { group in
                for number in 0..<20 {
                    let request = Self.request(number % 2 == 0 ? one.text : two.text, "a.safetensors")
                    group.addTask { try await client.raw(request.begin + request.end) }
                }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            #expect(answers.allSatisfy { $0.hasPrefix("HTTP/1.1 200") }, "\(answers.map { $0.prefix(12) })")
            #expect(try folders.names("models/loras/no_type_provided").count == 20)
        }
    }

    @Test("that take too long in all are given up, however steadily they come")
    func deadline() async throws {
        let limits = LoRAUploadLimits(fileBytes: 1 << 20, deadline: .milliseconds(200), leastBytes: 0)
        try await ScriptedNode.serveLoRAs(limits: limits) { client, folders in
            let answer = try await client.raw(Self.request(ScriptedNode.key, "a.safetensors").begin)
            #expect(answer.hasPrefix("HTTP/1.1 408"), "\(answer)")
            #expect(try folders.incoming().isEmpty)
        }
    }

    /// What ends a caller's right while a file comes in.
    enum End: String, CaseIterable {
        case deactivated
        case demoted
        case revoked
    }

    @Test("of callers who may not send them any more when everything has come are refused", arguments: End.allCases)
    func rights(end: End) async throws {
        try await ScriptedNode.serveLoRAsToUsers { client, folders, accounts in
            _ = try await accounts.addUser("chief", role: .admin)
            let caller = try await accounts.addUser("ada", role: .admin)
            let request = Self.request(caller.text, "a.safetensors", path: "/admin/lora/upload")
            let answer = try await client.withRawConnection { connection in
                try await connection.send(request.begin)
                while try folders.incoming().isEmpty { await Task.yield() }
                switch end {
                case .deactivated: _ = try await accounts.users.deactivate(caller.user, by: .node)
                case .demoted: _ = try await accounts.users.update(caller.user, .init(role: .user), by: .node)
                case .revoked: _ = try await accounts.apiTokens.revoke(caller.token, by: .node)
                }
                return try await connection.exchange(request.end, then: [])
            }
            #expect(answer.hasPrefix("HTTP/1.1 401"), "\(answer)")
            #expect(try folders.names("models/loras/no_type_provided").isEmpty)
            #expect(try folders.incoming().isEmpty)
            let entry = try #require(try await accounts.audit.entries().first)
            #expect(entry.action.description == "lora.upload" && entry.outcome == .refused, "\(entry)")
        }
    }

    @Test("that are announced as more than there is room for are refused before they come")
    func announced() async throws {
        let space = LoRASpaceLimits(totalBytes: 100_000)
        try await ScriptedNode.serveLoRAsToUsers(space: space) { client, folders, _ in
            let answer = try await client.raw(
                "POST /lora/upload HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer \(ScriptedNode.key)\r\n"
                    + "Content-Type: multipart/form-data; boundary=a\r\nContent-Length: 200000\r\n"
                    + "Expect: 100-continue\r\n\r\n")
            #expect(answer.hasPrefix("HTTP/1.1 507"), "\(answer)")
            #expect(try folders.incoming().isEmpty)
            let small = Self.request(ScriptedNode.key, "a.safetensors")
            #expect(try await client.raw(small.begin + small.end).hasPrefix("HTTP/1.1 200"))
        }
    }

    @Test("that turn out to be more than there is room for are refused, and nothing is left of them")
    func unannounced() async throws {
        let space = LoRASpaceLimits(totalBytes: 600_000)
        try await ScriptedNode.serveLoRAsToUsers(space: space) { client, folders, _ in
            let head =
                "--a\r\nContent-Disposition: form-data; name=file; filename=a.safetensors\r\n\r\n"
                + String(repeating: "x", count: 900_000)
            let answer = try await client.raw(
                "POST /lora/upload HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer \(ScriptedNode.key)\r\n"
                    + "Content-Type: multipart/form-data; boundary=a\r\nTransfer-Encoding: chunked\r\n"
                    + "Connection: close\r\n\r\n"
                    + "\(String(head.utf8.count, radix: 16))\r\n\(head)\r\n9\r\n\r\n--a--\r\n\r\n0\r\n\r\n")
            #expect(answer.hasPrefix("HTTP/1.1 507"), "\(answer)")
            #expect(try folders.incoming().isEmpty)
        }
    }
}
