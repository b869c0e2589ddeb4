import Bytes
import GGUF
import Identifiers
import ShoalTestSupport
import Testing

/// Random damage: whatever it does to a file, reading gives a value or a `GGUFError`, never a trap.
@Suite("Fuzzing GGUF")
struct GGUFFuzzTests {
    /// Damages bytes in one to four places.
    private struct Mutator {
        var generator: SeededRandom
        private let numbers: [UInt64] = [
            0, 1, 2, 3, 9, 31, 32, 33, 255, 1 << 16, 1 << 31, (1 << 32) - 1, 1 << 32, 1 << 40, 1 << 62, 1 << 63, .max,
        ]

        mutating func damage(_ bytes: inout [UInt8], within length: Int) {
            for _ in 0..<Int.random(in: 1...4, using: &generator) {
                let limit = min(length, bytes.count)
                guard limit > 16 else { return }
                let place = Int.random(in: 0..<limit - 8, using: &generator)
                switch Int.random(in: 0..<8, using: &generator) {
                case 0: bytes[place] ^= 1 << UInt8.random(in: 0..<8, using: &generator)
                case 1: bytes[place] = .random(in: .min ... .max, using: &generator)
                case 2, 3:
                    let number = numbers[Int.random(in: 0..<numbers.count, using: &generator)]
                    let width = Bool.random(using: &generator) ? 8 : 4
                    for index in 0..<width { bytes[place + index] = UInt8(truncatingIfNeeded: number >> (8 * index)) }
                case 4: bytes.removeSubrange(place..<place + Int.random(in: 1...8, using: &generator))
                case 5:
                    let count = Int.random(in: 1...24, using: &generator)
                    let other = Int.random(in: 0..<limit - 8, using: &generator)
                    bytes.insert(contentsOf: Array(bytes[other..<min(other + count, bytes.count)]), at: place)
                case 6:
                    let other = Int.random(in: 0..<limit - 8, using: &generator)
                    for index in 0..<8 { bytes[place + index] = bytes[other + index] }
                default: bytes.removeSubrange(Int.random(in: place..<bytes.count, using: &generator)...)
                }
            }
        }
    }

    private static func seed(_ architecture: String = "llama") throws -> [UInt8] {
        let nested = try GGUFArray(
            elementType: .array, elements: [.array(GGUFArray(["a"])), .array(GGUFArray([true]))])
        return try SampleModel.writer(
            architecture: architecture, layerElements: [32, 64, 32], vocabulary: 4,
            extra: [
                ("nested", .array(nested)), ("\(architecture).nextn_predict_layers", .uint32(0)),
                ("\(architecture).leading_dense_block_count", .uint32(1)),
                ("\(architecture).attention.sliding_window_pattern", .uint32(2)),
                ("\(architecture).interleave_moe_layer_step", .uint32(1)), ("a.bool", .bool(true)),
                ("a.double", .float64(1)), ("a.short", .int16(1)),
            ]
        ).encoded()
    }

    /// Uses everything that a header leads to.
    private static func exercise(_ model: GGUFModel, shardSizeBytes: UInt64, window: Int) throws -> Int {
        var sum = model.vocabularySize ?? 0
        sum &+= model.fileTypeName.count &+ (model.cacheBytesPerTokenAndLayer ?? 0)
        sum &+= Int(truncatingIfNeeded: model.parameterCount) &+ (model.expertCount ?? 0)
        for entry in model.header.metadata { sum &+= try entry.value.array?.elements().count ?? 0 }
        let layout = ShardLayout(model: model, shardSizeBytes: shardSizeBytes)
        sum &+= layout.layers(coveredBy: [0, 2]).count
        let rule = CutTable.rule(for: model)
        let first = window % model.layerCount
        guard let layers = LayerRange(first: first, end: min(first + 2, model.layerCount)),
            rule.allows(layers, of: model.layerCount)
        else { return sum }
        let view = try WindowView(model: model, layers: layers)
        var buffer = [UInt8](repeating: 0, count: 4096)
        let offset = min(UInt64(window * 37), view.byteCount)
        sum &+= try buffer.withUnsafeMutableBytes { try view.read(at: offset, into: $0) }
        return sum
    }

    @Test("100 000 damaged headers", arguments: [1, 2] as [UInt64])
    func headers(_ seed: UInt64) throws {
        let original = try Self.seed()
        let length = Int(try GGUFHeader(reading: MemorySource(original)).dataOffset)
        var mutator = Mutator(generator: SeededRandom(seed: seed))
        var read = 0
        var refused = 0
        for _ in 0..<50_000 {
            var bytes = original
            mutator.damage(&bytes, within: length)
            do {
                let header = try GGUFHeader(reading: MemorySource(bytes))
                for entry in header.metadata { _ = try entry.value.array?.elements() }
                #expect(header.requiredByteCount <= UInt64(max(bytes.count, Int(header.dataOffset))))
                read += 1
            } catch let error as GGUFError {
                refused += error.message.isEmpty ? 0 : 1
            }
        }
        // Both must happen, or the damage is too mild or too coarse to test anything.
        #expect(read > 1000)
        #expect(refused > 10_000)
        #expect(read + refused == 50_000)
    }

    @Test("50 000 damaged models in one and two parts, with their shards and windows", arguments: [3, 4] as [UInt64])
    func modelsAndWindows(_ seed: UInt64) async throws {
        let singles = try ["llama", "gemma3", "deepseek2", "minicpm", "qwen3vl"].map(Self.seed)
        let parts = try await withTemporaryFolder { folder in
            try SampleModel.writer(layerElements: [32, 64, 32], vocabulary: 4)
                .write(parts: 2, prefix: "\(folder)/m").map { try GGUFTests.read($0) }
        }
        var mutator = Mutator(generator: SeededRandom(seed: seed))
        var used = 0
        for round in 0..<25_000 {
            var files = round % 2 == 0 ? [singles[round / 2 % singles.count]] : parts
            let target = round / 2 % files.count
            let size = files[target].count
            mutator.damage(&files[target], within: size)
            do {
                let model = try GGUFModel(sources: files.enumerated().map { ("part \($0)", MemorySource($1)) })
                let sum = try Self.exercise(
                    model, shardSizeBytes: UInt64.random(in: 0...600, using: &mutator.generator),
                    window: Int.random(in: 0...4, using: &mutator.generator))
                used += sum == .min ? 0 : 1
            } catch is GGUFError {
                continue
            }
        }
        #expect(used > 1000)
    }
}
