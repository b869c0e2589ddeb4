import Bytes
import GGUF
import ShoalTestSupport
import Testing

/// A damaged file and the fault that it must give.
struct DamagedFile: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let bytes: [UInt8]
    let code: GGUFError.Code
    let field: String?
    let offset: UInt64?

    init(
        _ description: String, _ code: GGUFError.Code, field: String? = nil, at offset: UInt64? = nil,
        _ file: HeaderBytes
    ) {
        self.testDescription = description
        self.bytes = file.bytes
        self.code = code
        self.field = field
        self.offset = offset
    }
}

@Suite("Damaged GGUF files")
struct GGUFFaultTests {
    private static func file(
        tensors: UInt64 = 0, metadata: UInt64 = 0, _ build: (inout HeaderBytes) -> Void = { _ in }
    ) -> HeaderBytes {
        var file = HeaderBytes(tensors: tensors, metadata: metadata)
        build(&file)
        return file
    }

    private static func tensor(_ dimensions: [UInt64], type: UInt32 = 0, offset: UInt64 = 0) -> HeaderBytes {
        file(tensors: 1) {
            $0.tensor("t", dimensions, type: type, offset: offset)
            $0.data(256)
        }
    }

    static let files: [DamagedFile] = [
        DamagedFile(
            "wrong magic", .notGGUF, field: "magic", at: 0, HeaderBytes(tensors: 0, metadata: 0, magic: "GGML")),
        DamagedFile(
            "version 1", .unsupportedVersion, field: "version", at: 4, HeaderBytes(version: 1, tensors: 0, metadata: 0)),
        DamagedFile(
            "big-endian", .unsupportedVersion, field: "version", at: 4,
            HeaderBytes(version: 0x0300_0000, tensors: 0, metadata: 0)),
        DamagedFile(
            "more tensors than bytes", .pastEnd, field: "tensor count", at: 8, HeaderBytes(tensors: .max, metadata: 0)),
        DamagedFile(
            "more keys than bytes", .pastEnd, field: "metadata count", at: 16,
            HeaderBytes(tensors: 0, metadata: 1 << 60)),
        DamagedFile(
            "key past the end", .pastEnd, field: "key of metadata 0", at: 24,
            file(metadata: 1) {
                $0.append(UInt64.max)
                $0.data(64)
            }),
        DamagedFile(
            "empty key", .malformed, field: "key of metadata 0", at: 24,
            file(metadata: 1) {
                $0.text("")
                $0.data(64)
            }),
        DamagedFile(
            "unknown value type", .malformed, field: "k", at: 33,
            file(metadata: 1) {
                $0.key("k", type: 13)
                $0.data(64)
            }),
        DamagedFile(
            "truth value 2", .malformed, field: "k", at: 37,
            file(metadata: 1) {
                $0.key("k", type: 7)
                $0.append(UInt8(2))
            }),
        DamagedFile(
            "text past the end", .pastEnd, field: "k", at: 37,
            file(metadata: 1) {
                $0.key("k", type: 8)
                $0.append(UInt64(1 << 40))
            }),
        DamagedFile(
            "array past the end", .pastEnd, field: "k", at: 41,
            file(metadata: 1) {
                $0.key("k", type: 9)
                $0.append(UInt32(4))
                $0.append(UInt64.max / 2)
                $0.data(64)
            }),
        DamagedFile(
            "arrays nested too deep", .tooDeep, field: "k",
            file(metadata: 1) {
                $0.key("k", type: 9)
                for _ in 0..<1000 {
                    $0.append(UInt32(9))
                    $0.append(UInt64(1))
                }
            }),
        DamagedFile(
            "key twice", .duplicate, field: "k", at: 38,
            file(metadata: 2) {
                for _ in 0..<2 {
                    $0.key("k", type: 0)
                    $0.append(UInt8(0))
                }
                $0.data(32)
            }),
        DamagedFile(
            "alignment 24", .malformed, field: "general.alignment",
            file(metadata: 1) {
                $0.key("general.alignment", type: 4)
                $0.append(UInt32(24))
            }),
        DamagedFile(
            "alignment 0", .malformed, field: "general.alignment",
            file(metadata: 1) {
                $0.key("general.alignment", type: 4)
                $0.append(UInt32(0))
            }),
        DamagedFile("no dimensions", .badDimensions, field: "t", tensor([])),
        DamagedFile("five dimensions", .badDimensions, field: "t", tensor([1, 1, 1, 1, 1])),
        DamagedFile("dimension 0", .badDimensions, field: "t", tensor([4, 0])),
        DamagedFile("absurd dimensions", .badDimensions, field: "t", tensor([1 << 40, 1 << 40])),
        DamagedFile("half a block", .badDimensions, field: "t", tensor([31], type: 2)),
        DamagedFile("unknown tensor type", .unsupportedTensorType, field: "t", tensor([32], type: 4)),
        DamagedFile("tensor past the end", .pastEnd, field: "t", tensor([65])),
        DamagedFile("offset past the end", .pastEnd, field: "t", tensor([1], offset: 1 << 63)),
        DamagedFile("unaligned tensor", .badLayout, field: "t", tensor([1], offset: 4)),
        DamagedFile(
            "tensor twice", .duplicate, field: "t",
            file(tensors: 2) {
                $0.tensor("t", [1])
                $0.tensor("t", [1], offset: 32)
                $0.data(64)
            }),
        DamagedFile(
            "overlapping tensors", .badLayout, field: "a",
            file(tensors: 2) {
                $0.tensor("a", [8], offset: 32)
                $0.tensor("b", [16], offset: 0)
                $0.data(96)
            }),
    ]

    @Test("a damaged file gives an error that names the field and the place", arguments: files)
    func damage(_ file: DamagedFile) throws {
        let error = try #require(throws: GGUFError.self) {
            try GGUFHeader(reading: MemorySource(file.bytes))
        }
        #expect(error.code == file.code, "\(error)")
        #expect(error.field == file.field)
        if let offset = file.offset { #expect(error.byteOffset == offset) }
        if file.code != .malformed || file.field != "general.alignment" { #expect(error.byteOffset != nil) }
        if let field = file.field, field != "magic" {
            #expect(error.message.contains(field) || field.contains("count"))
        }
    }

    @Test("a file cut off at any byte gives an error")
    func truncation() throws {
        let bytes = try SampleModel.writer().encoded()
        let header = try GGUFHeader(reading: MemorySource(bytes))
        for length in 0..<Int(header.requiredByteCount) {
            #expect(throws: GGUFError.self, "cut at \(length)") {
                try GGUFHeader(reading: MemorySource(Array(bytes[..<length])))
            }
        }
        // The padding after the last tensor may be missing.
        #expect(throws: Never.self) {
            try GGUFHeader(reading: MemorySource(Array(bytes[..<Int(header.requiredByteCount)])))
        }
    }

    @Test("a missing file, a folder and an empty file give errors that name them")
    func unreadableFiles() async throws {
        try await withTemporaryFolder { folder in
            let missing = try #require(throws: GGUFError.self) { try GGUFModel(parts: ["\(folder)/absent.gguf"]) }
            #expect(missing.code == .unreadable)
            #expect(missing.path == "\(folder)/absent.gguf")
            let directory = try #require(throws: GGUFError.self) { try GGUFModel(parts: [folder]) }
            #expect(directory.code == .unreadable)
            try write([], to: "\(folder)/empty.gguf")
            let empty = try #require(throws: GGUFError.self) { try GGUFModel(parts: ["\(folder)/empty.gguf"]) }
            #expect(empty.code == .truncated)
            #expect(empty.description.contains("empty.gguf"))
        }
    }
}
