/// One row of a file's tensor table.
package struct GGUFTensor: Hashable, Sendable {
    package let name: String
    /// Lengths, fastest-running dimension first (ggml's `ne`); 1 to 4 of them, none zero.
    package let dimensions: [UInt64]
    package let type: TensorType
    /// Where the data starts, in bytes after the header's `dataOffset`.
    package let offset: UInt64
    /// Bytes of data.
    package let byteCount: UInt64

    /// Most dimensions that ggml knows (`GGML_MAX_DIMS`).
    package static let maximumDimensions = 4

    /// Makes a row, checking that `dimensions` suit `type`.
    /// - Throws: `GGUFError` of code `badDimensions`.
    package init(name: String, dimensions: [UInt64], type: TensorType, offset: UInt64) throws {
        self.name = name
        self.dimensions = dimensions
        self.type = type
        self.offset = offset
        self.byteCount = try Self.byteCount(name: name, dimensions: dimensions, type: type)
    }

    /// Number of elements.
    package var elementCount: UInt64 { dimensions.reduce(1, *) }

    /// The layer that the tensor belongs to: 3 for `blk.3.attn_q.weight`, nil for a tensor of no layer.
    package var layer: Int? { Self.splitName(name)?.layer }

    /// The name within its layer: `attn_q.weight` for `blk.3.attn_q.weight`.
    package var nameInLayer: String? { Self.splitName(name).map { String($0.rest) } }

    static func splitName(_ name: String) -> (layer: Int, rest: Substring)? {
        guard name.hasPrefix("blk.") else { return nil }
        let tail = name.dropFirst(4)
        guard let dot = tail.firstIndex(of: "."), let layer = Int(tail[..<dot]), layer >= 0 else { return nil }
        // Only the plain decimal form is ggml's; "blk.+1." or "blk.01." belong to no layer.
        guard String(layer) == tail[..<dot] else { return nil }
        return (layer, tail[tail.index(after: dot)...])
    }

    private static func byteCount(name: String, dimensions: [UInt64], type: TensorType) throws -> UInt64 {
        func fault(_ what: String) -> GGUFError {
            GGUFError(.badDimensions, "tensor \(name) \(what); the file is damaged", field: name)
        }
        guard !dimensions.isEmpty, dimensions.count <= maximumDimensions else {
            throw fault("has \(dimensions.count) dimensions instead of 1 to \(maximumDimensions)")
        }
        var elements: UInt64 = 1
        for length in dimensions {
            guard length > 0 else { throw fault("has a dimension of length 0") }
            let (product, overflow) = elements.multipliedReportingOverflow(by: length)
            guard !overflow, product <= UInt64(Int64.max) else { throw fault("has too many elements") }
            elements = product
        }
        guard dimensions[0] % UInt64(type.blockElements) == 0 else {
            throw fault(
                "has rows of \(dimensions[0]) elements, no multiple of the \(type.blockElements) of type \(type.name)")
        }
        let (bytes, overflow) = (elements / UInt64(type.blockElements))
            .multipliedReportingOverflow(by: UInt64(type.blockBytes))
        guard !overflow, bytes <= UInt64(Int64.max) else { throw fault("has too many bytes") }
        return bytes
    }
}
