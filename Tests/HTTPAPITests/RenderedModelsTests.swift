import CZlib
import Catalogue
import HTTPTypes
import HummingbirdTesting
import JSON
import NIOCore
import Synchronization
import Testing

@testable import HTTPAPI

@Suite("The list of models as text")
struct RenderedModelsTests {
    /// A model with so many shards that its text is worth compressing.
    private static func model(_ id: String, shards: Int = 200) -> ModelSummary {
        ModelSummary(
            id: id, name: "Model \"\(id)\"", totalSizeBytes: shards << 20,
            shards: (0..<shards).map {
                .init(index: $0, sizeBytes: 1 << 20, isLocal: true, isLoaded: false, holders: [ScriptedNode.id(2)])
            }, isCovered: true, hasHeader: true)
    }

    @Test(
        "is compressed for clients that take gzip, and only for them",
        arguments: [
            (nil, false), ("gzip", true), ("br, GZIP;q=0.5", true), ("gzip;q=0", false), ("identity", false),
            ("*", false),
        ] as [(String?, Bool)])
    func compression(accepted: String?, isCompressed: Bool) async throws {
        var node = ScriptedNode()
        node.models.list = { ModelSummaryList([Self.model("demo")], version: 1) }
        try await node.serve { client in
            let plain = try await client.client.executeRequest(
                uri: "/api/admin/models", method: .get, headers: [:], body: nil)
            #expect(plain.headers[.vary] == "Accept-Encoding")
            var headers = HTTPFields()
            headers[.acceptEncoding] = accepted
            let answer = try await client.client.executeRequest(
                uri: "/api/admin/models", method: .get, headers: headers, body: nil)
            #expect(answer.headers[.contentEncoding] == (isCompressed ? "gzip" : nil))
            guard isCompressed else { return #expect(answer.body == plain.body) }
            #expect(answer.body.readableBytes * 4 < plain.body.readableBytes)
            #expect(try Self.decompressed(answer.body) == plain.body)
        }
    }

    @Test("is made anew when the list has another version, or none")
    func versions() async throws {
        let lists = [
            ModelSummaryList([Self.model("a")], version: 1), ModelSummaryList([Self.model("b")], version: 1),
            ModelSummaryList([Self.model("b")], version: 2), ModelSummaryList([Self.model("c")]),
            ModelSummaryList([Self.model("d")]),
        ]
        let turn = Mutex(0)
        var node = ScriptedNode()
        node.models.list = { turn.withLock { lists[$0] } }
        try await node.serve { client in
            var shown: [JSONValue?] = []
            for index in lists.indices {
                turn.withLock { $0 = index }
                shown.append(try await client.send(.get, "/api/admin/models").json[0]?["id"])
            }
            #expect(shown == ["a", "a", "b", "c", "d"])
        }
    }

    private static func decompressed(_ body: ByteBuffer) throws -> ByteBuffer {
        var stream = z_stream()
        // 15 is the largest window, and 16 more ask for gzip's header (zlib.h).
        try #require(inflateInit2_(&stream, 15 + 16, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size)) == Z_OK)
        defer { inflateEnd(&stream) }
        var result = ByteBuffer()
        var status = Z_OK
        result.writeWithUnsafeMutableBytes(minimumWritableBytes: 1 << 20) { output in
            body.withUnsafeReadableBytes { input in
                stream.next_in = UnsafeMutablePointer(mutating: input.bindMemory(to: UInt8.self).baseAddress)
                stream.avail_in = UInt32(input.count)
                stream.next_out = output.bindMemory(to: UInt8.self).baseAddress
                stream.avail_out = UInt32(output.count)
                status = inflate(&stream, Z_FINISH)
            }
            return Int(stream.total_out)
        }
        #expect(status == Z_STREAM_END)
        return result
    }
}
