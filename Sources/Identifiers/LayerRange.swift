/// Contiguous transformer layers `first ..< end` of one model, at least one.
///
/// The value cannot be empty or negative, so code that holds one need not check again. Its text form is `"0..<4"`.
package struct LayerRange: Hashable, Sendable {
    /// Index of the first layer, counted from 0.
    package let first: Int
    /// Index one past the last layer.
    package let end: Int

    /// Makes `first ..< end`; nil unless `0 <= first < end`.
    package init?(first: Int, end: Int) {
        guard first >= 0, first < end else { return nil }
        self.first = first
        self.end = end
    }

    /// Reads the text form, `"0..<4"`.
    package init?(_ text: some StringProtocol) {
        guard let separator = text.firstRange(of: "..<"),
            let first = Int(text[..<separator.lowerBound]),
            let end = Int(text[separator.upperBound...])
        else { return nil }
        self.init(first: first, end: end)
    }

    /// Number of layers, at least 1.
    package var count: Int { end - first }

    /// Index of the last layer.
    package var last: Int { end - 1 }

    /// The same layers as a standard range.
    package var indices: Range<Int> { first..<end }

    /// Whether `layer` is one of these.
    package func contains(_ layer: Int) -> Bool { indices.contains(layer) }

    /// Whether every layer of `other` is one of these.
    package func contains(_ other: LayerRange) -> Bool { first <= other.first && other.end <= end }

    /// Whether the two have a layer in common.
    package func overlaps(_ other: LayerRange) -> Bool { indices.overlaps(other.indices) }

    /// The layers that both have; nil where there are none.
    package func intersection(_ other: LayerRange) -> LayerRange? {
        LayerRange(first: max(first, other.first), end: min(end, other.end))
    }
}

extension LayerRange: Comparable {
    package static func < (left: LayerRange, right: LayerRange) -> Bool {
        (left.first, left.end) < (right.first, right.end)
    }
}

extension LayerRange: CustomStringConvertible {
    package var description: String { "\(first)..<\(end)" }
}

extension LayerRange: Codable {
    package init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        let text = try container.decode(String.self)
        guard let range = LayerRange(text) else {
            throw DecodingError.dataCorruptedError(
                in: container, debugDescription: "\"\(text)\" is not a layer range; write it as \"0..<4\"")
        }
        self = range
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }
}

extension LayerRange {
    /// The first layer alone.
    package static let single = LayerRange(first: 0)

    /// Layer `first` alone.
    private init(first: Int) {
        self.first = first
        self.end = first + 1
    }
}
