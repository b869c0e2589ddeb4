package import Bytes

/// The header of a safetensors file, checked completely: what it says about the file is true.
///
///     bytes 0..<8     length n of the header, little-endian
///     bytes 8..<8+n   JSON: {"name": {"dtype": "F16", "shape": [2, 3], "data_offsets": [0, 12]}, …, "__metadata__": {…}}
///     the rest        the tensors' bytes, end to end
///
/// Every tensor's range lies in the file, is as long as its type and shape say, begins where the one before it ends, and the last
/// ends the file. Source: the format's page and `read_metadata` of the reference implementation; stricter than that, an object has
/// no key twice, a tensor no other keys than these three, and the header begins with `{`.
package struct SafetensorsHeader: Hashable, Sendable {
    /// A tensor of the file.
    package struct Tensor: Hashable, Sendable {
        package let name: String
        package let type: SafetensorsType
        package let shape: [UInt64]
        /// Where the tensor's bytes lie in the file.
        package let range: Range<UInt64>
    }

    /// How much a header may hold.
    package struct Limits: Hashable, Sendable {
        /// Longest header; the format itself allows 100 MB.
        package var headerBytes: UInt64 = 100_000_000
        package var tensors = 1 << 17
        package var nameBytes = 4096
        /// Most bytes of all names.
        package var allNameBytes = 16 << 20
        package var dimensions = 64
        /// Most dimensions of all tensors.
        package var allDimensions = 1 << 20
        /// Most bytes of keys and values under `__metadata__`.
        package var metadataBytes = 16 << 20
        package var metadataEntries = 1 << 16

        package init() {}
        package static let defaults = Limits()
    }

    /// The tensors in the order of their bytes.
    package let tensors: [Tensor]
    /// The texts under `__metadata__`.
    package let metadata: [String: String]
    /// Where the tensors' bytes begin in the file.
    package let dataOffset: UInt64

    /// Reads and checks the header at the beginning of `source`. The tensors' own bytes are not read.
    /// - Throws: `SafetensorsError`, or what `source` throws.
    package init(reading source: any ByteSource, limits: Limits = .defaults) throws {
        let fileBytes = source.byteCount
        guard fileBytes >= 8 else {
            throw SafetensorsError(.truncated, "the file has \(fileBytes) bytes, fewer than a header's length", at: 0)
        }
        var length: UInt64 = 0
        for (place, byte) in try source.bytes(at: 0, count: 8).enumerated() { length |= UInt64(byte) << (8 * place) }
        guard length <= limits.headerBytes else {
            throw SafetensorsError(
                .tooLarge, "the header claims \(length) bytes where \(limits.headerBytes) are allowed", at: 0)
        }
        guard length <= fileBytes - 8 else {
            throw SafetensorsError(
                .truncated, "the header claims \(length) bytes where \(fileBytes - 8) follow", at: 0)
        }
        var reader = HeaderReader(text: JSONText(source: source, range: 8..<8 + length), limits: limits)
        try reader.read()
        dataOffset = 8 + length
        metadata = reader.metadata
        tensors = try Self.layOut(reader.entries, dataOffset: dataOffset, fileBytes: fileBytes)
    }

    /// The entries as tensors end to end from `dataOffset` to the end of the file, or the fault of the first that is not.
    private static func layOut(
        _ entries: [HeaderReader.Entry], dataOffset: UInt64, fileBytes: UInt64
    ) throws -> [Tensor] {
        let sorted = entries.sorted { ($0.begin, $0.end) < ($1.begin, $1.end) }
        let dataBytes = fileBytes - dataOffset
        var next: UInt64 = 0
        var tensors: [Tensor] = []
        tensors.reserveCapacity(sorted.count)
        for entry in sorted {
            func fault(_ code: SafetensorsError.Code, _ what: String) -> SafetensorsError {
                SafetensorsError(code, "the tensor \(entry.name) \(what)", field: entry.name, at: entry.position)
            }
            guard let byteCount = entry.type.byteCount(shape: entry.shape) else {
                throw fault(.badShape, "has the shape \(entry.shape), which is no number of bytes in 64 bits")
            }
            guard entry.begin <= entry.end, entry.end <= dataBytes else {
                throw fault(.badLayout, "lies at \(entry.begin) to \(entry.end) of \(dataBytes) bytes")
            }
            guard entry.end - entry.begin == byteCount else {
                throw fault(
                    .badLayout,
                    "has \(entry.end - entry.begin) bytes where \(entry.type.rawValue) \(entry.shape) takes \(byteCount)"
                )
            }
            guard entry.begin == next else {
                throw fault(
                    .badLayout, entry.begin < next ? "overlaps another" : "leaves a hole before it, from byte \(next)")
            }
            next = entry.end
            tensors.append(
                Tensor(
                    name: entry.name, type: entry.type, shape: entry.shape,
                    range: dataOffset + entry.begin..<dataOffset + entry.end))
        }
        guard next == dataBytes else {
            throw SafetensorsError(
                .badLayout, "\(dataBytes - next) bytes after the last tensor belong to none", at: dataOffset + next)
        }
        return tensors
    }
}
