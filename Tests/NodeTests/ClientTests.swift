import ArgumentParser
import ShoalTestSupport
import Testing

@testable import Node
@testable import ShoalCommands

@Suite struct ServerSentEventParserTests {
    @Test(arguments: [1, 2, 3, 7, 1000])
    func `events come out whole, however the bytes are cut`(size: Int) {
        let bytes = Array(
            "data: one\n\n: comment\nevent: x\ndata:two\r\ndata: lines\r\n\r\nid: 1\n\ndata: ü\n\ndata: rest".utf8)
        var parser = ServerSentEventParser()
        var events: [String] = []
        for start in stride(from: 0, to: bytes.count, by: size) {
            events += parser.feed(bytes[start..<min(start + size, bytes.count)])
        }
        #expect(events == ["one", "two\nlines", "ü"])
    }
}

@Suite struct ConnectionOptionsTests {
    @Test(arguments: [
        ("http://127.0.0.1:8800", "http://127.0.0.1:8800", true),
        ("https://heron.example/shoal/", "https://heron.example/shoal", false),
        ("http://[::1]:1", "http://[::1]:1", true), ("http://localhost", "http://localhost", true),
        ("http://10.0.0.1:80", "http://10.0.0.1:80", false),
    ])
    func `addresses are understood`(text: String, base: String, isLoopback: Bool) throws {
        let address = try #require(NodeAddress(text))
        #expect(address.text == base)
        #expect(address.isLoopback == isLoopback)
    }

    @Test(arguments: ["", "127.0.0.1:8800", "ftp://x", "http://", "http://u:p@x", "http://x?y", "http://x#y"])
    func `anything else is no address`(text: String) {
        #expect(NodeAddress(text) == nil)
    }

    @Test func `the flag wins over the environment, which wins over the running node, which wins over the default`()
        async throws
    {
        try await withTemporaryFolder { root in
            let directory = DataDirectory(path: root)
            var environment = ["SHOAL_DATA_DIR": root]
            #expect(try target([], environment).address == .standard)
            // Whoever names a directory means the node there, and no other.
            #expect(throws: CommandError.self) { try target(["--data-dir", root], environment) }
            #expect(throws: CommandError.self) { try target(["--data-dir", root + "/nowhere"], environment) }
            #expect(try target(["--data-dir", root, "--url", "http://127.0.0.1:3"], environment).source == .flag)
            let lock = try directory.lock()
            try RunRecord(processID: 1, url: "http://127.0.0.1:1", swarmPort: nil, version: "1").write(in: directory)
            #expect(try target([], environment).address.text == "http://127.0.0.1:1")
            environment["SHOAL_URL"] = "http://127.0.0.1:2"
            #expect(try target([], environment).address.text == "http://127.0.0.1:2")
            #expect(try target(["--data-dir", root], environment).address.text == "http://127.0.0.1:1")
            #expect(try target(["--url", "http://127.0.0.1:3"], environment).address.text == "http://127.0.0.1:3")
            _ = consume lock
        }
    }

    @Test func `the key of this machine's node is sent to no other machine`() async throws {
        try await withTemporaryFolder { root in
            let environment = ["SHOAL_DATA_DIR": root]
            let key = try APIKeyFile.loadOrCreate(in: DataDirectory(path: root))
            #expect(try target([], environment).apiKey == key)
            #expect(try target(["--url", "http://heron.example"], environment).apiKey == nil)
            #expect(try target(["--url", "http://heron.example", "--api-key", "k"], environment).apiKey == "k")
            #expect(try target([], environment.merging(["SHOAL_API_KEY": "e"]) { $1 }).apiKey == "e")
        }
    }

    private func target(_ arguments: [String], _ environment: [String: String]) throws -> NodeTarget {
        try ConnectionOptions.parse(arguments).target(environment: environment)
    }
}
