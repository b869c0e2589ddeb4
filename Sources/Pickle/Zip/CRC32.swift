internal import Bytes

/// The checksum of zip archives (ISO 3309, reflected polynomial 0xEDB88320), eight bytes at a step.
enum CRC32 {
    private static let tables: [[UInt32]] = {
        var tables = [[UInt32]](repeating: [UInt32](repeating: 0, count: 256), count: 8)
        for byte in 0..<256 {
            var value = UInt32(byte)
            for _ in 0..<8 { value = value & 1 == 1 ? value >> 1 ^ 0xEDB8_8320 : value >> 1 }
            tables[0][byte] = value
        }
        for table in 1..<8 {
            for byte in 0..<256 {
                let before = tables[table - 1][byte]
                tables[table][byte] = before >> 8 ^ tables[0][Int(before & 0xFF)]
            }
        }
        return tables
    }()

    private static let flat: [UInt32] = tables.flatMap { $0 }

    /// The checksum of `range` of `source`, read in pieces.
    static func of(_ range: Range<UInt64>, in source: any ByteSource) throws -> UInt32 {
        var state: UInt32 = .max
        var offset = range.lowerBound
        while offset < range.upperBound {
            let piece = try source.bytes(at: offset, count: Int(min(range.upperBound - offset, 1 << 20)))
            piece.withUnsafeBytes { state = update(state, $0) }
            offset += UInt64(piece.count)
        }
        return ~state
    }

    private static func update(_ state: UInt32, _ bytes: UnsafeRawBufferPointer) -> UInt32 {
        flat.withUnsafeBufferPointer { table in
            var state = state
            var index = 0
            while index + 8 <= bytes.count {
                let word =
                    UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: index, as: UInt64.self))
                    ^ UInt64(state)
                var next: UInt32 = 0
                for step in 0..<8 {
                    next ^= table[(7 - step) << 8 + Int(truncatingIfNeeded: word >> (8 * UInt64(step)) & 0xFF)]
                }
                state = next
                index += 8
            }
            while index < bytes.count {
                state = table[Int(UInt8(truncatingIfNeeded: state) ^ bytes[index])] ^ state >> 8
                index += 1
            }
            return state
        }
    }
}
