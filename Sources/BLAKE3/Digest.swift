extension BLAKE3 {
    /// A 32-byte BLAKE3 hash. Encoded as 64 lower-case hex digits.
    ///
    /// Comparison takes the same time for every pair of values, so a digest may serve as an authentication code.
    package struct Digest: Sendable, Hashable {
        /// Number of bytes in a digest.
        package static let byteCount = 32

        private let words: SIMD8<UInt32>

        init(words: SIMD8<UInt32>) {
            self.words = words
        }

        /// A digest from exactly 32 bytes; nil for any other number.
        package init?(bytes: some Collection<UInt8>) {
            guard bytes.count == Self.byteCount else { return nil }
            var words = SIMD8<UInt32>()
            for (index, byte) in bytes.enumerated() {
                words[index / 4] |= UInt32(byte) << UInt32(index % 4 * 8)
            }
            self.words = words
        }

        /// A digest from 64 hex digits of either case; nil for anything else.
        package init?(hex: some StringProtocol) {
            var bytes: [UInt8] = []
            var high: UInt8?
            guard hex.utf8.count == Self.byteCount * 2 else { return nil }
            for character in hex.utf8 {
                guard let digit = Self.value(ofHexDigit: character) else { return nil }
                if let first = high {
                    bytes.append(first << 4 | digit)
                    high = nil
                } else {
                    high = digit
                }
            }
            self.init(bytes: bytes)
        }

        /// The 32 bytes.
        package var bytes: [UInt8] {
            (0..<Self.byteCount).map { UInt8(truncatingIfNeeded: words[$0 / 4] >> UInt32($0 % 4 * 8)) }
        }

        /// The 64 lower-case hex digits.
        package var hex: String {
            let digits = Array("0123456789abcdef".utf8)
            var text: [UInt8] = []
            for byte in bytes {
                text.append(digits[Int(byte >> 4)])
                text.append(digits[Int(byte & 15)])
            }
            return String(decoding: text, as: UTF8.self)
        }

        package static func == (left: Digest, right: Digest) -> Bool {
            var difference: UInt32 = 0
            for index in 0..<8 { difference |= left.words[index] ^ right.words[index] }
            return difference == 0
        }

        package func hash(into hasher: inout Hasher) {
            hasher.combine(words)
        }

        private static func value(ofHexDigit character: UInt8) -> UInt8? {
            switch character {
            case UInt8(ascii: "0")...UInt8(ascii: "9"): character - UInt8(ascii: "0")
            case UInt8(ascii: "a")...UInt8(ascii: "f"): character - UInt8(ascii: "a") + 10
            case UInt8(ascii: "A")...UInt8(ascii: "F"): character - UInt8(ascii: "A") + 10
            default: nil
            }
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
