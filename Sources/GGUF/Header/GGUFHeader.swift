/// The header of one GGUF file: metadata and tensor table.
///
/// The format is described in the GGUF specification of the ggml project (docs/gguf.md); versions 2 and 3 are read,
/// which differ only in what version 3 says of byte order. Everything in the value has been checked: lengths lie
/// within the file, names are unique, and tensors are aligned, inside the file and apart from each other.
package struct GGUFHeader: Sendable {
    /// Deepest nesting of arrays that is read.
    package static let maximumArrayDepth = 4
    /// Arrays up to this size are kept in memory; larger ones stay in the file.
    package static let largestKeptArrayBytes = 16 * 1024
    /// Alignment where `general.alignment` is absent, in bytes.
    package static let defaultAlignment = 32
    static let alignmentKey = "general.alignment"
    static let magic: [UInt8] = Array("GGUF".utf8)

    /// One key with its value.
    package struct Entry: Sendable {
        package let key: String
        package let value: GGUFValue

        package init(key: String, value: GGUFValue) {
            self.key = key
            self.value = value
        }
    }

    package let version: UInt32
    /// Metadata in file order; keys are unique.
    package let metadata: [Entry]
    /// The tensor table in file order; names are unique.
    package let tensors: [GGUFTensor]
    /// Where tensor data starts, in bytes from the file's beginning.
    package let dataOffset: UInt64
    /// What tensor offsets are multiples of, in bytes.
    package let alignment: Int

    private let index: [String: Int]

    init(version: UInt32, metadata: [Entry], tensors: [GGUFTensor], dataOffset: UInt64, alignment: Int) {
        self.version = version
        self.metadata = metadata
        self.tensors = tensors
        self.dataOffset = dataOffset
        self.alignment = alignment
        self.index = Dictionary(
            metadata.enumerated().map { ($1.key, $0) }, uniquingKeysWith: { first, _ in first })
    }

    /// The value of a metadata key.
    package subscript(key: String) -> GGUFValue? {
        index[key].map { metadata[$0].value }
    }

    /// Bytes that the file must have at least for its tensors.
    package var requiredByteCount: UInt64 {
        dataOffset + (tensors.map { $0.offset + $0.byteCount }.max() ?? 0)
    }
}
