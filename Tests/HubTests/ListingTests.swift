import Hub
import StandIn
import Testing

/// Searching and listing.
struct ListingTests {
    static func withHub(flags: [String] = ["--tree-page", "2"], _ body: (StandInHub) async throws -> Void) async throws
    {
        try await withStandInHub(
            files: [
                "shoal/tiny-GGUF/tiny-Q4_K_M.gguf": Array(repeating: 1, count: 300),
                "shoal/tiny-GGUF/BF16/tiny-BF16-00001-of-00002.gguf": Array(repeating: 2, count: 200),
                "shoal/tiny-GGUF/BF16/tiny-BF16-00002-of-00002.gguf": Array(repeating: 3, count: 100),
                "shoal/tiny-GGUF/mmproj-F16.gguf": Array(repeating: 4, count: 50),
                "shoal/tiny-GGUF/bild\u{E9}.png": [1, 2, 3],
                "shoal/tiny-GGUF/README.md": Array("# Tiny".utf8),
                "shoal/other-GGUF/other-Q8_0.gguf": [1],
                "closed/gated-tiny-GGUF/gated.gguf": [1, 2],
                "closed/private-tiny-GGUF/private.gguf": [1, 2, 3],
                "shoal/tiny-plain/model.txt": [1],
            ],
            facts: [
                "shoal/tiny-GGUF": #"{"downloads": 12, "likes": 3, "tags": ["gguf", "license:mit"]}"#,
                "closed/gated-tiny-GGUF": #"{"downloads": 50, "gated": "manual"}"#,
                "closed/private-tiny-GGUF": #"{"private": true}"#,
                "shoal/tiny-plain": #"{"tags": []}"#,
            ], flags: flags, body)
    }

    @Test func `a search answers the most downloaded first`() async throws {
        try await Self.withHub { hub in
            try await hub.withClient { client in
                let hits = try await client.search(query: " tiny ", limit: 10)
                #expect(hits.map(\.repository.description) == ["closed/gated-tiny-GGUF", "shoal/tiny-GGUF"])
                #expect(hits.map(\.gate) == [.manual, .open])
                #expect(hits[1].downloads == 12 && hits[1].likes == 3 && hits[1].tags == ["gguf", "license:mit"])
                #expect(hits[1].files.map(\.sizeBytes) == [nil, nil, nil, nil])
                #expect(try await client.search(query: "tiny", limit: 1).count == 1)
                #expect(try await client.search(query: "  ", limit: 10).isEmpty)
                await #expect(throws: HubError.self) {
                    try await client.search(query: String(repeating: "a", count: 257))
                }
            }
        }
    }

    @Test func `sizes come with a search where they are asked for`() async throws {
        try await Self.withHub { hub in
            try await hub.fault(#"{"kind": "status", "status": 404, "path": "gated-tiny-GGUF/tree"}"#)
            try await hub.withClient { client in
                let hits = try await client.search(query: "tiny", sizes: true)
                #expect(hits[0].variants.map(\.sizeBytes) == [nil])
                #expect(hits[1].variants.map(\.sizeBytes) == [300, 50, 300])
                #expect(hits[1].variants.map(\.kind) == [.model, .projector, .model])
            }
        }
    }

    @Test func `the tree is read over all its pages, and odd names left out`() async throws {
        try await Self.withHub { hub in
            try await hub.withClient { client in
                let files = try await client.files(of: HubRepository("shoal/tiny-GGUF"))
                #expect(
                    files.map(\.path.text) == [
                        "BF16/tiny-BF16-00001-of-00002.gguf", "BF16/tiny-BF16-00002-of-00002.gguf", "README.md",
                        "mmproj-F16.gguf", "tiny-Q4_K_M.gguf",
                    ])
                #expect(files.map(\.sizeBytes) == [200, 100, 6, 50, 300])
                #expect(files.map { $0.sha256 != nil } == [true, true, false, true, true])
                #expect(try await hub.requests().count == 4)
            }
        }
    }

    @Test func `a repository is described with commit, files and hashes`() async throws {
        try await Self.withHub { hub in
            try await hub.withClient { client in
                let repository = try HubRepository("shoal/tiny-GGUF")
                let info = try await client.info(of: repository)
                #expect(info.commit.count == 40 && !info.isPrivate && info.gate == .open && info.downloads == 12)
                let listed = try await client.files(of: repository, revision: HubRevision(info.commit))
                #expect(Set(info.files) == Set(listed))
            }
        }
    }

    @Test(arguments: [
        ("shoal/missing", "main", false, HubError.Code.notFound), ("shoal/missing", "main", true, .notFound),
        ("shoal/tiny-GGUF", "old", false, .notFound), ("closed/private-tiny-GGUF", "main", false, .notFound),
    ])
    func `what is not there is said to be missing`(
        _ repository: String, _ revision: String, _ withToken: Bool, _ code: HubError.Code
    ) async throws {
        try await Self.withHub { hub in
            try await hub.withClient(token: withToken ? StandInHub.token : nil) { client in
                let repository = try HubRepository(repository)
                let revision = try HubRevision(revision)
                let path = try HubFilePath("private.gguf")
                for call in [
                    { _ = try await client.info(of: repository, revision: revision) },
                    { _ = try await client.files(of: repository, revision: revision) },
                    { _ = try await client.resolve(repository, path, revision: revision) },
                ] as [() async throws -> Void] {
                    let error = await #expect(throws: HubError.self) { try await call() }
                    #expect(error?.code == code)
                    #expect(error?.message.contains(repository.description) == true)
                }
            }
        }
    }

    @Test func `gated, granted, and refused tokens are told apart`() async throws {
        try await Self.withHub { hub in
            let repository = try HubRepository("closed/gated-tiny-GGUF")
            let path = try HubFilePath("gated.gguf")
            for (token, code) in [(nil, HubError.Code.gated), (StandInHub.token, .gated), ("hf_wrong", .unauthorized)] {
                try await hub.withClient(token: token) { client in
                    let error = await #expect(throws: HubError.self) { try await client.resolve(repository, path) }
                    #expect(error?.code == code)
                    #expect(error?.message.contains("HF_TOKEN") == true)
                    if code == .gated { #expect(error?.message.contains("\(hub.url)/\(repository)") == true) }
                    #expect(error?.message.contains(token ?? "hf_") == false)
                }
            }
            try await hub.fault(#"{"kind": "gate", "repository": "closed/gated-tiny-GGUF", "granted": true}"#)
            try await hub.withClient(token: StandInHub.token) { client in
                let file = try await client.resolve(repository, path)
                #expect(file.sizeBytes == 2)
            }
        }
    }

    @Test func `a renamed repository is found under its old name`() async throws {
        try await Self.withHub { hub in
            try await hub.fault(#"{"kind": "move", "repository": "shoal/old-GGUF", "to": "shoal/tiny-GGUF"}"#)
            try await hub.withClient(token: StandInHub.token) { client in
                let old = try HubRepository("shoal/old-GGUF")
                #expect(try await client.info(of: old).files.count == 5)
                let file = try await client.resolve(old, HubFilePath("tiny-Q4_K_M.gguf"))
                #expect(try await client.bytes(file, 5..<8) == [1, 1, 1])
            }
        }
    }

    @Test func `a listing that is not JSON is no hub's`() async throws {
        try await Self.withHub { hub in
            try await hub.fault(#"{"kind": "body", "body": "<html>Log in</html>", "path": "/api/"}"#)
            try await hub.withClient { client in
                let repository = try HubRepository("shoal/tiny-GGUF")
                let error = await #expect(throws: HubError.self) { try await client.files(of: repository) }
                #expect(error?.code == .badAnswer)
            }
        }
    }

    @Test func `a redirect to another host does not take the token along`() async throws {
        try await Self.withHub { hub in
            try await Self.withHub { other in
                try await hub.fault(
                    #"{"kind": "redirect", "location": "\#(other.url)/api/models/shoal/tiny-GGUF/revision/main?blobs=true"}"#
                )
                try await hub.withClient(token: StandInHub.token) { client in
                    let repository = try HubRepository("shoal/tiny-GGUF")
                    #expect(try await client.info(of: repository).files.count == 5)
                    #expect(try await other.requests().map(\.token) == [false])
                }
            }
        }
    }

    @Test func `a hub that redirects in circles is given up`() async throws {
        try await Self.withHub { hub in
            try await hub.fault(#"{"kind": "redirect", "location": "/api/models/shoal/tiny-GGUF/revision/main"}"#)
            try await hub.withClient { client in
                let repository = try HubRepository("shoal/tiny-GGUF")
                let error = await #expect(throws: HubError.self) { try await client.info(of: repository) }
                #expect(error?.code == .badAnswer)
            }
        }
    }
}
