/// Spells out a GGUF header byte by byte, right or wrong.
struct HeaderBytes {
    private(set) var bytes: [UInt8] = []

    init(version: UInt32 = 3, tensors: UInt64, metadata: UInt64, magic: String = "GGUF") {
        bytes += Array(magic.utf8)
        append(version)
        append(tensors)
        append(metadata)
    }

    mutating func append<Number: FixedWidthInteger>(_ number: Number) {
        withUnsafeBytes(of: number.littleEndian) { bytes.append(contentsOf: $0) }
    }

    mutating func text(_ text: String) {
        append(UInt64(text.utf8.count))
        bytes += Array(text.utf8)
    }

    mutating func key(_ key: String, type: UInt32) {
        text(key)
        append(type)
    }

    mutating func tensor(_ name: String, _ dimensions: [UInt64], type: UInt32 = 0, offset: UInt64 = 0) {
        text(name)
        append(UInt32(dimensions.count))
        for length in dimensions { append(length) }
        append(type)
        append(offset)
    }

    /// Zeros up to a multiple of 32, then `count` more.
    mutating func data(_ count: Int) {
        let excess = bytes.count % 32
        bytes += [UInt8](repeating: 0, count: (excess == 0 ? 0 : 32 - excess) + count)
    }
}
