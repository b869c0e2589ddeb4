import Bytes

extension BLAKE3 {
    /// A 32-byte BLAKE3 hash. Encoded as 64 lower-case hex digits.
    ///
    /// Comparison takes the same time for every pair of values, so a digest may serve as an authentication code.
    package struct Digest: Sendable, Hashable {
        /// Number of bytes in a digest.
        package static let byteCount = 32

        // Four little-endian words; an array would be one more allocation for each of very many digests.
        private let w0, w1, w2, w3: UInt64

        init(_ value: ChainingValue) {
            w0 = UInt64(value.w0) | UInt64(value.w1) << 32
            w1 = UInt64(value.w2) | UInt64(value.w3) << 32
            w2 = UInt64(value.w4) | UInt64(value.w5) << 32
            w3 = UInt64(value.w6) | UInt64(value.w7) << 32
        }

        /// A digest from exactly 32 bytes; nil for any other number.
        package init?(bytes: some Collection<UInt8>) {
            guard bytes.count == Self.byteCount else { return nil }
            var words: [UInt64] = [0, 0, 0, 0]
            for (index, byte) in bytes.enumerated() {
                words[index / 8] |= UInt64(byte) << UInt64(index % 8 * 8)
            }
            (w0, w1, w2, w3) = (words[0], words[1], words[2], words[3])
        }

        /// A digest from 64 hex digits of either case; nil for anything else.
        package init?(hex: some StringProtocol) {
            guard hex.utf8.count == Self.byteCount * 2, let bytes = [UInt8](hexadecimal: hex) else { return nil }
            self.init(bytes: bytes)
        }

        /// The 32 bytes.
        package var bytes: [UInt8] {
            [w0, w1, w2, w3].flatMap { word in (0..<8).map { UInt8(truncatingIfNeeded: word >> UInt64($0 * 8)) } }
        }

        /// The 64 lower-case hex digits.
        package var hex: String { bytes.hexadecimal }

        package static func == (left: Digest, right: Digest) -> Bool {
            (left.w0 ^ right.w0) | (left.w1 ^ right.w1) | (left.w2 ^ right.w2) | (left.w3 ^ right.w3) == 0
        }
    }
}

extension BLAKE3.Digest: CustomStringConvertible {
    package var description: String { hex }
}

extension BLAKE3.Digest: Codable {
    package init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        let text = try container.decode(String.self)
        guard let digest = Self(hex: text) else {
            throw DecodingError.dataCorruptedError(
                in: container, debugDescription: "a BLAKE3 hash has 64 hex digits, not \"\(text.prefix(80))\""
            )
        }
        self = digest
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(hex)
    }
}
