import Hub
import NIOCore
import ShoalTestSupport
import StandIn
import Testing

/// Reading files of a hub that behaves.
struct ReadingTests {
    static let repository = "shoal/tiny-GGUF"
    static let large = SeededRandom.bytes(3_000_000, seed: 1)

    static func withHub(_ body: (StandInHub) async throws -> Void) async throws {
        try await withStandInHub(
            files: [
                "\(repository)/tiny-Q4_K_M.gguf": large,
                "\(repository)/folder/notes (1).txt": Array("a small file".utf8),
            ], body)
    }

    @Test func `a file is looked up with its commit, state and size`() async throws {
        try await Self.withHub { hub in
            try await hub.withClient { client in
                let file = try await client.resolve(HubRepository(Self.repository), HubFilePath("tiny-Q4_K_M.gguf"))
                #expect(file.sizeBytes == 3_000_000)
                #expect(file.commit.text.count == 40)
                #expect(file.sha256 == file.etag)
                let again = try await client.resolve(file.repository, file.path, revision: file.commit)
                #expect(again.isSameState(as: file))
            }
        }
    }

    @Test(arguments: [0..<3_000_000, 0..<1, 2_999_999..<3_000_000, 1_000_000..<1_500_001])
    func `a range has exactly its bytes, asked for once`(_ range: Range<UInt64>) async throws {
        try await Self.withHub { hub in
            try await hub.withClient { client in
                let file = try await client.resolve(HubRepository(Self.repository), HubFilePath("tiny-Q4_K_M.gguf"))
                #expect(
                    try await client.bytes(file, range)
                        == Array(Self.large[Int(range.lowerBound)..<Int(range.upperBound)]))
                #expect(try await hub.ranges() == ["bytes=\(range.lowerBound)-\(range.upperBound - 1)"])
            }
        }
    }

    @Test func `a small file comes from the hub itself, with the token`() async throws {
        try await Self.withHub { hub in
            try await hub.withClient(token: StandInHub.token) { client in
                let file = try await client.resolve(HubRepository(Self.repository), HubFilePath("folder/notes (1).txt"))
                #expect(file.sha256 == nil)
                #expect(try await client.bytes(file, 2..<7) == Array("small".utf8))
                #expect(try await hub.requests().allSatisfy { $0.host == "hub" && $0.token })
            }
        }
    }

    @Test func `the token never reaches the file store`() async throws {
        try await Self.withHub { hub in
            try await hub.withClient(token: StandInHub.token) { client in
                let file = try await client.resolve(HubRepository(Self.repository), HubFilePath("tiny-Q4_K_M.gguf"))
                _ = try await client.bytes(file, 0..<100)
                let requests = try await hub.requests()
                #expect(requests.map(\.host) == ["hub", "store"])
                #expect(requests.map(\.token) == [true, false])
            }
        }
    }
}
