import Bytes

/// Who a node is: its Ed25519 public key, 32 bytes.
package struct NodeID: Hashable, Sendable, Comparable, CustomStringConvertible {
    /// Length of the key in bytes.
    package static let byteCount = 32

    package let bytes: [UInt8]

    /// `nil` unless there are exactly 32 bytes.
    package init?(bytes: some Collection<UInt8>) {
        guard bytes.count == Self.byteCount else { return nil }
        self.bytes = Array(bytes)
    }

    /// Reads 64 hexadecimal digits.
    package init?(hex: some StringProtocol) {
        guard let bytes = [UInt8](hexadecimal: hex) else { return nil }
        self.init(bytes: bytes)
    }

    /// All 64 hexadecimal digits.
    package var hex: String { bytes.hexadecimal }

    /// Characters of ``short``.
    package static let shortLength = 16

    /// The first 16 hexadecimal digits: what people are shown.
    package var short: String { bytes.prefix(Self.shortLength / 2).hexadecimal }

    package var description: String { short }

    package static func < (left: NodeID, right: NodeID) -> Bool {
        left.bytes.lexicographicallyPrecedes(right.bytes)
    }
}

extension NodeID: Codable {
    package init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        let text = try container.decode(String.self)
        guard let id = NodeID(hex: text) else {
            throw DecodingError.dataCorruptedError(
                in: container, debugDescription: "a node id has 64 hexadecimal digits")
        }
        self = id
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(hex)
    }
}
