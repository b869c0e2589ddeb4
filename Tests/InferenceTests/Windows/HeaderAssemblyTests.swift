import GGUF
import Identifiers
import Inference
import Link
import ModelLibrary
import SwiftProtobuf
import Testing

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

struct HeaderAssemblyTests {
    /// The demo model's manifest and header, in chunks.
    private func chunks() async throws -> [Shoal_V1_FileChunk] {
        try await TestNode.run { node in
            let id = try #require(ModelID(TestNode.model))
            let manifest = try await node.library.model(id).manifest
            let header = try await node.library.headers(id: id)[0]
            var chunks: [Shoal_V1_FileChunk] = [try .with { $0.manifest = try manifest.json() }]
            for offset in stride(from: 0, to: header.count, by: 4096) {
                chunks.append(
                    .with {
                        $0.offset = UInt64(offset)
                        $0.data = Data(header[offset..<min(offset + 4096, header.count)])
                    })
            }
            return chunks
        }
    }

    private func assemble(_ chunks: [Shoal_V1_FileChunk]) throws -> Int {
        var assembly = HeaderAssembly()
        for chunk in chunks { try assembly.add(chunk) }
        return try assembly.finish().headers[0].count
    }

    @Test func `chunks in order make a header, and any other order is refused`() async throws {
        let chunks = try await chunks()
        #expect(try assemble(chunks) == chunks.reduce(0) { $0 + $1.data.count })
        #expect(throws: (any Error).self) { try assemble(Array(chunks.dropFirst())) }
        #expect(throws: (any Error).self) { try assemble([chunks[0], chunks[2], chunks[1]]) }
        #expect(throws: (any Error).self) { try assemble([chunks[0], chunks[0]]) }
        #expect(throws: (any Error).self) { try assemble([chunks[0]]) }
        #expect(throws: (any Error).self) { try assemble(chunks + [chunks[1]]) }
        var overlong = chunks[chunks.count - 1]
        overlong.offset += UInt64(overlong.data.count)
        #expect(throws: (any Error).self) { try assemble(chunks + [overlong]) }
        var foreign = chunks[1]
        foreign.part = 7
        #expect(throws: (any Error).self) { try assemble([chunks[0], foreign]) }
    }
}
