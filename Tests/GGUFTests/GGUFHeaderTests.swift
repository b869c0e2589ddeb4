import Bytes
import GGUF
import Testing

@Suite("GGUF headers")
struct GGUFHeaderTests {
    @Test("values of every type come back as they were written")
    func everyValueTypeRoundTrips() throws {
        let nested = try GGUFArray(
            elementType: .array, elements: [.array(GGUFArray(["a", ""])), .array(GGUFArray([1.5, -2] as [Float]))])
        let values: [(String, GGUFValue)] = [
            ("uint8", .uint8(.max)), ("int8", .int8(.min)), ("uint16", .uint16(.max)), ("int16", .int16(.min)),
            ("uint32", .uint32(.max)), ("int32", .int32(.min)), ("uint64", .uint64(.max)), ("int64", .int64(.min)),
            ("float32", .float32(-0.1)), ("float64", .float64(1e300)), ("true", .bool(true)), ("false", .bool(false)),
            ("text", .string("täxt\u{0}🐟")), ("empty", .string("")), ("strings", .array(GGUFArray(["x", "yy"]))),
            ("bools", .array(GGUFArray([true, false]))), ("nested", .array(nested)),
            ("none", .array(try GGUFArray(elementType: .int64, elements: []))),
        ]
        var writer = GGUFWriter()
        for (key, value) in values { writer.set(key, to: value) }
        let header = try GGUFHeader(reading: MemorySource(try writer.encoded()))

        #expect(header.version == 3)
        #expect(header.metadata.map(\.key) == values.map(\.0))
        for (key, value) in values {
            let found = try #require(header[key])
            #expect(found.type == value.type)
            #expect(found.description == value.description)
            if let array = value.array {
                #expect(try found.array?.encodedBytes() == array.encodedBytes())
            }
        }
        let inner = try #require(try header["nested"]?.array?.elements())
        #expect(try inner[0].array?.strings() == ["a", ""])
        #expect(try inner[1].array?.numbers() == [1.5, -2])
        #expect(header["absent"] == nil)
    }

    @Test("versions 2 and 3 are read", arguments: [2, 3] as [UInt32])
    func versionsAreRead(_ version: UInt32) throws {
        var file = HeaderBytes(version: version, tensors: 1, metadata: 1)
        file.key("k", type: 4)
        file.append(UInt32(7))
        file.tensor("t", [4, 2])
        file.data(32)
        let header = try GGUFHeader(reading: MemorySource(file.bytes))
        #expect(header.version == version)
        #expect(header["k"]?.integer == 7)
        #expect(header.tensors.map(\.byteCount) == [32])
        #expect(header.requiredByteCount == UInt64(file.bytes.count))
    }

    @Test("large arrays stay in the file and are decoded when asked for")
    func largeArraysAreDecodedLater() throws {
        let strings = (0..<50_000).map { "token \($0)" }
        var writer = GGUFWriter()
        writer.set("tokens", to: .array(GGUFArray(strings)))
        writer.set("after", to: .uint8(1))
        let header = try GGUFHeader(reading: MemorySource(try writer.encoded()))
        let array = try #require(header["tokens"]?.array)
        #expect(array.encodedByteCount > GGUFHeader.largestKeptArrayBytes)
        #expect(array.count == strings.count)
        #expect(try array.strings() == strings)
        #expect(try array.slice(10..<12).strings() == ["token 10", "token 11"])
        #expect(header["after"]?.integer == 1)
    }

    @Test("block sizes are those of ggml")
    func blockSizes() throws {
        let tensor = try GGUFTensor(name: "t", dimensions: [512, 3], type: .q4_K, offset: 0)
        #expect(tensor.byteCount == 2 * 144 * 3)
        #expect(TensorType(rawValue: 39)?.name == "mxfp4")
        #expect(TensorType(rawValue: 4) == nil)
        #expect(FileType.name(of: 15) == "Q4_K_M")
        #expect(FileType.name(of: 1024) == nil)
        for type in TensorType.allCases {
            let row = try GGUFTensor(
                name: "t", dimensions: [UInt64(type.blockElements)], type: type, offset: 0)
            #expect(row.byteCount == UInt64(type.blockBytes))
        }
    }

    @Test("tensor names tell their layer")
    func layersOfTensors() throws {
        let layers = try ["blk.12.attn_q.weight", "blk.+1.x", "blk.01.x", "blk.", "blk.3", "output.weight"].map {
            try GGUFTensor(name: $0, dimensions: [1], type: .f32, offset: 0).layer
        }
        #expect(layers == [12, nil, nil, nil, nil, nil])
    }
}
