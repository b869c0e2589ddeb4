/// The number of a shard within its model, counted from 0.
package struct ShardIndex: Hashable, Sendable {
    /// Most shards of a model.
    package static let maximumCount = 1 << 16

    package let rawValue: Int

    /// Nil for a negative number and for one that no model reaches.
    package init?(_ number: Int) {
        guard number >= 0, number < Self.maximumCount else { return nil }
        rawValue = number
    }

    /// Takes a number that is known to be one.
    package init(checked number: Int) {
        rawValue = number
    }
}

extension ShardIndex: Comparable, CustomStringConvertible {
    package static func < (left: ShardIndex, right: ShardIndex) -> Bool { left.rawValue < right.rawValue }
    package var description: String { String(rawValue) }
}

extension ShardIndex: Codable {
    package init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        let number = try container.decode(Int.self)
        guard let index = ShardIndex(number) else {
            throw DecodingError.dataCorruptedError(in: container, debugDescription: "\(number) is no shard index")
        }
        self = index
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(rawValue)
    }
}
