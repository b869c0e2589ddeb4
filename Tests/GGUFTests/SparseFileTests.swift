import Bytes
import GGUF
import Testing

@Suite("Sparse files whose headers claim much")
struct SparseFileTests {
    /// Some bytes, and zeros behind them as far as one likes.
    private struct SparseSource: ByteSource {
        let bytes: [UInt8]
        let byteCount: UInt64

        func read(at offset: UInt64, into buffer: UnsafeMutableRawBufferPointer) throws -> Int {
            buffer.initializeMemory(as: UInt8.self, repeating: 0)
            guard offset < UInt64(bytes.count) else { return buffer.count }
            let known = bytes[Int(offset)...].prefix(buffer.count)
            buffer.copyBytes(from: known)
            return buffer.count
        }
    }

    private static func header(_ build: (inout HeaderBytes) -> Void) -> [UInt8] {
        var file = HeaderBytes(tensors: 0, metadata: 1)
        build(&file)
        return file.bytes
    }

    static let claims: [(name: String, bytes: [UInt8])] = [
        (
            "a text of 3 GB",
            header {
                $0.key("general.name", type: 8); $0.append(UInt64(3 << 30))
            }
        ),
        (
            "a text of 65 MB",
            header {
                $0.key("tokenizer.chat_template", type: 8); $0.append(UInt64(65 << 20))
            }
        ),
        (
            "500 million texts",
            header {
                $0.key("tokenizer.ggml.tokens", type: 9); $0.append(UInt32(8)); $0.append(UInt64(500_000_000))
            }
        ),
        (
            "100 million arrays",
            header {
                $0.key("a", type: 9); $0.append(UInt32(9)); $0.append(UInt64(100_000_000))
            }
        ),
        (
            "4 billion truth values",
            header {
                $0.key("a", type: 9); $0.append(UInt32(7)); $0.append(UInt64(4_000_000_000))
            }
        ),
    ]

    @Test("are refused before much is read", arguments: claims.indices)
    func claim(index: Int) throws {
        let source = SparseSource(bytes: Self.claims[index].bytes, byteCount: 90 << 30)
        let error = #expect(throws: GGUFError.self) { try GGUFHeader(reading: source) }
        #expect(error?.code == .tooLarge, "\(Self.claims[index].name): \(error.map { "\($0)" } ?? "")")
    }

    @Test("are read when their headers are as they should be")
    func plain() throws {
        let bytes = Self.header {
            $0.key("general.name", type: 8); $0.text("Demo")
        }
        let header = try GGUFHeader(reading: SparseSource(bytes: bytes, byteCount: 90 << 30))
        #expect(header["general.name"]?.string == "Demo")
    }
}
