import Bytes
import Safetensors
import ShoalTestSupport
import Testing

@Suite("Reading safetensors headers")
struct SafetensorsHeaderTests {
    @Test("Tensors come in the order of their bytes, with type, shape, range and metadata")
    func ordinary() throws {
        let header = try SafetensorsHeader(reading: MemorySource(SampleFile.ordinary))
        #expect(header.tensors.map(\.name) == ["a.weight", "none", "b.weight", "éé😀"])
        #expect(header.tensors.map(\.type) == [.float32, .int64, .float16, .uint8])
        #expect(header.tensors.map(\.shape) == [[2], [0, 4], [2, 3], []])
        let start = header.dataOffset
        #expect(header.tensors.map(\.range.lowerBound) == [start, start + 8, start + 8, start + 20])
        #expect(header.tensors.last?.range.upperBound == UInt64(SampleFile.ordinary.count))
        #expect(header.metadata == ["format": "pt", "ss_tag": #"{"a": 1}"#])
    }

    @Test("A file without tensors is one", arguments: ["{}", "{ }", "{\n}  \t\r\n", #"{"__metadata__":{}}"#])
    func empty(_ text: String) throws {
        let header = try SafetensorsHeader(reading: MemorySource(SampleFile.bytes(text)))
        #expect(header.tensors.isEmpty)
        #expect(header.metadata.isEmpty)
    }

    @Test("Every type takes the bytes that its bits say", arguments: SafetensorsType.allCases)
    func types(_ type: SafetensorsType) throws {
        let byteCount = Int(type.bitCount)  // eight elements
        func file(_ count: Int) -> [UInt8] {
            SampleFile.bytes(
                #"{"t":{"dtype":"\#(type.rawValue)","shape":[2,4],"data_offsets":[0,\#(count)]}}"#, dataBytes: count)
        }
        let header = try SafetensorsHeader(reading: MemorySource(file(byteCount)))
        #expect(header.tensors.first?.type == type)
        for wrong in [byteCount - 1, byteCount + 1] {
            #expect(throws: SafetensorsError.self) { try SafetensorsHeader(reading: MemorySource(file(wrong))) }
        }
    }

    /// A header that is refused, and why.
    struct Refusal: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let bytes: [UInt8]
        let code: SafetensorsError.Code

        init(_ testDescription: String, _ code: SafetensorsError.Code, _ header: String, data: Int = 4) {
            self.init(testDescription, code, bytes: SampleFile.bytes(header, dataBytes: data))
        }

        init(_ testDescription: String, _ code: SafetensorsError.Code, bytes: [UInt8]) {
            self.testDescription = testDescription
            self.bytes = bytes
            self.code = code
        }

        /// One tensor of four bytes, with `entry` in its object.
        init(entry: String, _ code: SafetensorsError.Code, data: Int = 4) {
            self.init(entry, code, #"{"t":{\#(entry)}}"#, data: data)
        }
    }

    static let good = #""dtype":"U8","shape":[4],"data_offsets":[0,4]"#

    static let refusals: [Refusal] = [
        Refusal("no bytes", .truncated, bytes: []),
        Refusal("seven bytes", .truncated, bytes: [2, 0, 0, 0, 0, 0, 0]),
        Refusal("a length past the end", .truncated, bytes: SampleFile.bytes("{}", length: 3)),
        Refusal("a length over 100 MB", .tooLarge, bytes: SampleFile.bytes("{}", length: 100_000_001)),
        Refusal("a length of 2⁶⁴ − 1", .tooLarge, bytes: SampleFile.bytes("{}", length: .max)),
        Refusal("an empty header", .malformed, "", data: 0),
        Refusal("a header that begins with a space", .malformed, " {}", data: 0),
        Refusal("a byte order mark", .malformed, "\u{FEFF}{}", data: 0),
        Refusal("an array", .malformed, "[]", data: 0),
        Refusal("two objects", .malformed, "{}{}", data: 0),
        Refusal("a NUL after the object", .malformed, "{}\0", data: 0),
        Refusal("an object that does not end", .malformed, #"{"t":{\#(good)}"#),
        Refusal("a comma before the end", .malformed, #"{"t":{\#(good)},}"#),
        Refusal("a comment", .malformed, #"{/* */"t":{\#(good)}}"#),
        Refusal("a key without quotes", .malformed, #"{t:{\#(good)}}"#),
        Refusal("a tensor twice", .duplicate, #"{"t":{\#(good)},"t":{\#(good)}}"#),
        Refusal("a tensor twice, once escaped", .duplicate, #"{"t":{\#(good)},"\u0074":{\#(good)}}"#),
        Refusal("metadata twice", .duplicate, #"{"__metadata__":{},"__metadata__":{},"t":{\#(good)}}"#),
        Refusal("a metadata key twice", .duplicate, #"{"__metadata__":{"a":"1","a":"2"},"t":{\#(good)}}"#),
        Refusal("metadata that is null", .malformed, #"{"__metadata__":null,"t":{\#(good)}}"#),
        Refusal("a number in the metadata", .malformed, #"{"__metadata__":{"a":1},"t":{\#(good)}}"#),
        Refusal("an object in the metadata", .malformed, #"{"__metadata__":{"a":{}},"t":{\#(good)}}"#),
        Refusal("a tensor without a name", .malformed, #"{"":{\#(good)}}"#),
        Refusal("a NUL in a name", .malformed, #"{"\u0000":{\#(good)}}"#),
        Refusal("half a surrogate pair", .malformed, #"{"\ud83d":{\#(good)}}"#),
        Refusal("two first halves of a surrogate pair", .malformed, #"{"\ud83d\ud83d":{\#(good)}}"#),
        Refusal("a line break in a name", .malformed, "{\"a\nb\":{\(good)}}"),
        Refusal("a name of 5,000 bytes", .tooLarge, #"{"\#(String(repeating: "n", count: 5000))":{\#(good)}}"#),
        Refusal(
            "bytes that are no UTF-8", .malformed,
            bytes: [6, 0, 0, 0, 0, 0, 0, 0] + Array("{\"".utf8) + [0xC3, 0x28] + Array("\":".utf8)),
        Refusal(
            "a hole before the first tensor", .badLayout, #"{"t":{"dtype":"U8","shape":[3],"data_offsets":[1,4]}}"#),
        Refusal("bytes after the last tensor", .badLayout, #"{"t":{\#(good)}}"#, data: 5),
        Refusal("bytes without any tensor", .badLayout, "{}", data: 1),
        Refusal(
            "overlapping tensors", .badLayout,
            #"{"a":{"dtype":"U8","shape":[3],"data_offsets":[0,3]},"b":{"dtype":"U8","shape":[3],"data_offsets":[2,5]}}"#,
            data: 5),
        Refusal(
            "two tensors of the same bytes", .badLayout, #"{"a":{\#(good)},"b":{\#(good)}}"#),
        Refusal(
            "a hole between tensors", .badLayout,
            #"{"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]},"b":{"dtype":"U8","shape":[2],"data_offsets":[3,5]}}"#,
            data: 5),
        Refusal(entry: #""dtype":"U8","shape":[4],"data_offsets":[0,4],"dtype":"U8""#, .duplicate),
        Refusal(entry: #""dtype":"U8","shape":[4],"shape":[4],"data_offsets":[0,4]"#, .duplicate),
        Refusal(entry: #""dtype":"U8","shape":[4],"data_offsets":[0,4],"data_offsets":[0,4]"#, .duplicate),
        Refusal(entry: #""dtype":"U8","shape":[4],"data_offsets":[0,4],"extra":1"#, .malformed),
        Refusal(entry: #""dtype":"U8","shape":[4]"#, .malformed),
        Refusal(entry: #""dtype":"U8","data_offsets":[0,4]"#, .malformed),
        Refusal(entry: #""shape":[4],"data_offsets":[0,4]"#, .malformed),
        Refusal(entry: #""dtype":"U8","shape":[4],"data_offsets":[0]"#, .malformed),
        Refusal(entry: #""dtype":"U8","shape":[4],"data_offsets":[0,4,4]"#, .tooLarge),
        Refusal(entry: #""dtype":"U8","shape":[4],"data_offsets":[0,5]"#, .badLayout),
        Refusal(entry: #""dtype":"U8","shape":[4],"data_offsets":[4,0]"#, .badLayout),
        Refusal(entry: #""dtype":"U8","shape":[4],"data_offsets":[18446744073709551615,3]"#, .badLayout),
        Refusal(entry: #""dtype":"U8","shape":[4],"data_offsets":[0,18446744073709551616]"#, .badShape),
        Refusal(entry: #""dtype":"U8","shape":[4],"data_offsets":["0","4"]"#, .malformed),
        Refusal(entry: #""dtype":"U8","shape":[4],"data_offsets":[-0,4]"#, .malformed),
        Refusal(entry: #""dtype":"U8","shape":[4.0],"data_offsets":[0,4]"#, .malformed),
        Refusal(entry: #""dtype":"U8","shape":[4e0],"data_offsets":[0,4]"#, .malformed),
        Refusal(entry: #""dtype":"U8","shape":[04],"data_offsets":[0,4]"#, .malformed),
        Refusal(entry: #""dtype":"U8","shape":[+4],"data_offsets":[0,4]"#, .malformed),
        Refusal(entry: #""dtype":"U8","shape":[[4]],"data_offsets":[0,4]"#, .malformed),
        Refusal(entry: #""dtype":"U8","shape":[-4],"data_offsets":[0,4]"#, .malformed),
        Refusal(entry: #""dtype":"U8","shape":[4,],"data_offsets":[0,4]"#, .malformed),
        Refusal(entry: #""dtype":"U8","shape":4,"data_offsets":[0,4]"#, .malformed),
        Refusal(entry: #""dtype":"U8","shape":[5],"data_offsets":[0,4]"#, .badLayout),
        Refusal(entry: #""dtype":"U8","shape":[18446744073709551615,2],"data_offsets":[0,4]"#, .badShape),
        Refusal(entry: #""dtype":"F64","shape":[2305843009213693952],"data_offsets":[0,0]"#, .badShape, data: 0),
        Refusal(entry: #""dtype":"U8","shape":[4294967296,4294967296],"data_offsets":[0,0]"#, .badShape, data: 0),
        Refusal(entry: #""dtype":"F4","shape":[3],"data_offsets":[0,2]"#, .badShape, data: 2),
        Refusal(entry: #""dtype":"F6_E2M3","shape":[2],"data_offsets":[0,2]"#, .badShape, data: 2),
        Refusal(entry: #""dtype":"u8","shape":[4],"data_offsets":[0,4]"#, .unknownType),
        Refusal(entry: #""dtype":"F128","shape":[4],"data_offsets":[0,4]"#, .unknownType),
        Refusal(
            entry:
                #""dtype":"U8","shape":[\#(Array(repeating: "1", count: 65).joined(separator: ","))],"data_offsets":[0,1]"#,
            .tooLarge, data: 1),
    ]

    @Test("What the format does not allow is refused by its kind", arguments: refusals)
    func refusal(_ refusal: Refusal) throws {
        let error = #expect(throws: SafetensorsError.self) {
            try SafetensorsHeader(reading: MemorySource(refusal.bytes))
        }
        #expect(error?.code == refusal.code, "\(error?.description ?? "")")
    }

    @Test("The fault of one tensor among many names it and where it stands")
    func position() throws {
        let before = #"{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"#
        let bytes = SampleFile.bytes(before + #""b":{"dtype":"U8","shape":[2],"data_offsets":[1,2]}}"#, dataBytes: 2)
        let error = #expect(throws: SafetensorsError.self) { try SafetensorsHeader(reading: MemorySource(bytes)) }
        #expect(error?.field == "b")
        #expect(error?.byteOffset == UInt64(8 + before.utf8.count))
    }

    @Test("More tensors or metadata than the limits allow are refused, as many are read")
    func limits() throws {
        var limits = SafetensorsHeader.Limits.defaults
        limits.tensors = 3
        limits.metadataEntries = 3
        limits.metadataBytes = 12
        func read(_ tensors: Int, _ entries: Int, _ length: Int) throws -> Int {
            let metadata = (0..<entries).map { #""\#($0)":"\#(String(repeating: "x", count: length))""# }
            let entries = (0..<tensors).map {
                #""t\#($0)":{"dtype":"U8","shape":[1],"data_offsets":[\#($0),\#($0 + 1)]}"#
            }
            let text =
                "{" + ([#""__metadata__":{\#(metadata.joined(separator: ","))}"#] + entries).joined(separator: ",")
            let source = MemorySource(SampleFile.bytes(text + "}", dataBytes: tensors))
            return try SafetensorsHeader(reading: source, limits: limits).tensors.count
        }
        #expect(try read(3, 3, 3) == 3)
        for (tensors, entries, length) in [(4, 0, 0), (1, 4, 0), (1, 3, 4)] {
            let error = #expect(throws: SafetensorsError.self) { try read(tensors, entries, length) }
            #expect(error?.code == .tooLarge)
        }
    }

    @Test(
        "Names that differ only in how an accent is written are two, and all names and dimensions together are limited")
    func totals() throws {
        func read(_ names: [String], shape: String, _ limits: SafetensorsHeader.Limits) throws -> Int {
            let entries = names.map { #""\#($0)":{"dtype":"U8","shape":[\#(shape)],"data_offsets":[0,0]}"# }
            let bytes = SampleFile.bytes("{\(entries.joined(separator: ","))}")
            return try SafetensorsHeader(reading: MemorySource(bytes), limits: limits).tensors.count
        }
        #expect(try read(["\u{E9}", "e\u{301}"], shape: "0", .defaults) == 2)
        var limits = SafetensorsHeader.Limits.defaults
        limits.allNameBytes = 6
        limits.allDimensions = 4
        #expect(try read(["abc", "def"], shape: "0,1", limits) == 2)
        for (names, shape) in [(["abc", "defg"], "0"), (["a", "b", "c"], "0,1")] {
            let error = #expect(throws: SafetensorsError.self) { try read(names, shape: shape, limits) }
            #expect(error?.code == .tooLarge)
        }
        // As large as it gets with names of their own: 38 MB of header.
        let long = String(repeating: "x", count: 600)
        let error = #expect(throws: SafetensorsError.self) {
            try read((0..<60_000).map { "\($0)\(long)" }, shape: "0", .defaults)
        }
        #expect(error?.code == .tooLarge)
    }

    @Test("A header longer than the read buffer is read whole")
    func long() throws {
        let count = 5000
        let entries = (0..<count).reversed().map {
            #""layers.\#($0).weight":{"dtype":"BF16","shape":[1,1],"data_offsets":[\#(2 * $0),\#(2 * $0 + 2)]}"#
        }
        let bytes = SampleFile.bytes("{\(entries.joined(separator: ", "))}", dataBytes: 2 * count)
        let header = try SafetensorsHeader(reading: MemorySource(bytes))
        #expect(header.dataOffset > 200_000)
        #expect(header.tensors.map(\.name) == (0..<count).map { "layers.\($0).weight" })
    }

    @Test("Damaged files give a header that is true or a typed error", arguments: [1, 2, 3, 4] as [UInt64])
    func fuzz(_ seed: UInt64) throws {
        var mutator = Mutator(generator: SeededRandom(seed: seed))
        var accepted = 0
        let rounds = 10_000
        for _ in 0..<rounds {
            let bytes = mutator.damaged(SampleFile.ordinary)
            guard let header = try Self.outcome(bytes) else { continue }
            accepted += 1
            var next = header.dataOffset
            for tensor in header.tensors {
                #expect(tensor.range.lowerBound == next, "seed \(seed)")
                #expect(tensor.type.byteCount(shape: tensor.shape) == UInt64(tensor.range.count), "seed \(seed)")
                next = tensor.range.upperBound
            }
            #expect(next == UInt64(bytes.count), "seed \(seed)")
            #expect(Set(header.tensors.map(\.name)).count == header.tensors.count, "seed \(seed)")
        }
        // Both must happen, or the damage is too mild or too coarse to test anything.
        #expect((100..<rounds / 2).contains(accepted), "seed \(seed)")
    }

    /// The header, or nil where it is refused. Errors of other types come out.
    static func outcome(_ bytes: [UInt8]) throws -> SafetensorsHeader? {
        do {
            return try SafetensorsHeader(reading: MemorySource(bytes))
        } catch is SafetensorsError {
            return nil
        }
    }
}
