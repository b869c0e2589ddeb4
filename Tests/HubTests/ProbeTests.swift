import Bytes
import GGUF
import Hub
import ShoalTestSupport
import StandIn
import Testing

/// Reading just the headers of GGUF files.
struct ProbeTests {
    /// A model with this many words, whose data is 1 MiB.
    static func model(words: Int) throws -> [UInt8] {
        var writer = GGUFWriter()
        writer.set("general.architecture", to: .string("llama"))
        writer.set("tokenizer.ggml.tokens", to: .array(GGUFArray((0..<words).map { "word number \($0)" })))
        let data = SeededRandom.bytes(1 << 20, seed: 8)
        try writer.add(tensor: "blk.0.ffn_up.weight", dimensions: [512, 512], type: .f32, data: MemorySource(data))
        return try writer.encoded()
    }

    @Test(arguments: [
        (10, ["bytes=0-262143"]), (30_000, ["bytes=0-262143", "bytes=262144-524287", "bytes=524288-1048575"]),
    ])
    func `the header is read with growing ranges, each byte once`(_ words: Int, _ ranges: [String]) async throws {
        let content = try Self.model(words: words)
        try await withStandInHub(files: ["a/b/c.gguf": content]) { hub in
            try await hub.withClient { client in
                let probe = try await client.probe(client.resolve(HubRepository("a/b"), HubFilePath("c.gguf")))
                #expect(probe.header.tensors.map(\.name) == ["blk.0.ffn_up.weight"])
                #expect(UInt64(probe.bytes.count) == probe.header.dataOffset)
                #expect(probe.bytes == Array(content.prefix(probe.bytes.count)))
                #expect(try await hub.ranges() == ranges)
            }
        }
    }

    @Test(arguments: [
        Array("no model at all".utf8), [], Array("GGUF".utf8), SeededRandom.bytes(600_000, seed: 9),
        Array("GGUF".utf8) + [3, 0, 0, 0] + Array(repeating: 255, count: 100_000),
    ])
    func `what is no GGUF file is said to be none`(_ content: [UInt8]) async throws {
        try await withStandInHub(files: ["a/b/c.gguf": content]) { hub in
            try await hub.withClient { client in
                let file = try await client.resolve(HubRepository("a/b"), HubFilePath("c.gguf"))
                let error = await #expect(throws: HubError.self) { try await client.probe(file) }
                #expect(error?.code == .notGGUF)
                #expect(try await hub.ranges().count <= 1)
            }
        }
    }

    @Test func `a file that ends inside its header is damaged`() async throws {
        let content = Array(try Self.model(words: 30_000).prefix(400_000))
        try await withStandInHub(files: ["a/b/c.gguf": content]) { hub in
            try await hub.withClient { client in
                let file = try await client.resolve(HubRepository("a/b"), HubFilePath("c.gguf"))
                let error = await #expect(throws: HubError.self) { try await client.probe(file) }
                #expect(error?.code == .notGGUF)
            }
        }
    }

    @Test func `a header without an end is given up at the limit of the file`() async throws {
        try await withStandInHub(files: ["a/b/c.gguf": Array(repeating: 7, count: 700_000)]) { hub in
            try await hub.withClient { client in
                let file = try await client.resolve(HubRepository("a/b"), HubFilePath("c.gguf"))
                let error = await #expect(throws: HubError.self) { try await client.beginning(of: file) { _ in nil } }
                #expect(error?.code == .tooLarge)
                #expect(try await hub.ranges() == ["bytes=0-262143", "bytes=262144-524287", "bytes=524288-699999"])
            }
        }
    }
}
