import GGUF
import ShoalTestSupport

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// The demo model's file with other weights: every tensor is overwritten with seeded random numbers.
///
/// Trained weights hide small differences behind large margins; these do not.
enum RandomWeights {
    /// Writes the file into a new folder, which is removed after `body`.
    static func withFile<Result: Sendable>(_ body: (String) async throws -> Result) async throws -> Result {
        let folder = FileManager.default.temporaryDirectory.path() + "shoal-random-\(UUID().uuidString.prefix(8))"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let path = folder + "/random.gguf"
        let header = try GGUFModel(path: BuildProducts.demoModel).header
        var bytes = FileManager.default.contents(atPath: BuildProducts.demoModel) ?? Data()
        var generator = SeededRandom(seed: 8)
        for tensor in header.tensors {
            let begin = Int(header.dataOffset + tensor.offset)
            let values: [UInt8]
            switch tensor.type {
            case .f16: values = (0..<tensor.elementCount).flatMap { _ in littleEndian(generator.weight()) }
            case .f32: values = (0..<tensor.elementCount).flatMap { _ in littleEndian(generator.scale().bitPattern) }
            default: throw GGUFError(.unsupportedTensorType, "no random weights of \(tensor.type)", field: tensor.name)
            }
            bytes.replaceSubrange(begin..<begin + values.count, with: values)
        }
        try bytes.write(to: URL(filePath: path))
        return try await body(path)
    }

    private static func littleEndian(_ value: some FixedWidthInteger) -> [UInt8] {
        withUnsafeBytes(of: value.littleEndian) { [UInt8]($0) }
    }
}

extension SeededRandom {
    /// The bits of an f16 of either sign between 2^-6 and 2^-2.
    fileprivate mutating func weight() -> UInt16 {
        let bits = next()
        return UInt16(bits & 0x83FF) | UInt16(9 + (bits >> 32) % 4) << 10
    }

    /// What a normalisation multiplies with: between 0.75 and 1.25.
    fileprivate mutating func scale() -> Float { 0.75 + Float(next() >> 40) / Float(1 << 25) }
}
