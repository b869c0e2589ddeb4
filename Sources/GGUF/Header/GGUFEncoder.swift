/// Builds the little-endian bytes of a header.
struct GGUFEncoder {
    private(set) var bytes: [UInt8] = []

    mutating func append<Number: FixedWidthInteger>(_ number: Number) {
        withUnsafeBytes(of: number.littleEndian) { bytes.append(contentsOf: $0) }
    }

    mutating func append(_ text: String) {
        let utf8 = text.utf8
        append(UInt64(utf8.count))
        bytes.append(contentsOf: utf8)
    }

    mutating func append(raw: [UInt8]) { bytes.append(contentsOf: raw) }

    /// Zeros up to the next multiple of `alignment`.
    mutating func pad(to alignment: Int) {
        let excess = bytes.count % alignment
        if excess > 0 { bytes.append(contentsOf: repeatElement(0, count: alignment - excess)) }
    }

    /// A value without its type number.
    /// - Throws: `GGUFError` where an array's file can no longer be read.
    mutating func append(_ value: GGUFValue) throws {
        switch value {
        case .uint8(let number): append(number)
        case .int8(let number): append(number)
        case .uint16(let number): append(number)
        case .int16(let number): append(number)
        case .uint32(let number): append(number)
        case .int32(let number): append(number)
        case .uint64(let number): append(number)
        case .int64(let number): append(number)
        case .float32(let number): append(number.bitPattern)
        case .float64(let number): append(number.bitPattern)
        case .bool(let flag): append(flag ? UInt8(1) : 0)
        case .string(let text): append(text)
        case .array(let array):
            append(array.elementType.rawValue)
            append(UInt64(array.count))
            append(raw: try array.encodedBytes())
        }
    }
}
