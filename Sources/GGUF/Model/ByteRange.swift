/// Bytes of one file of a model.
package struct ByteRange: Hashable, Sendable, Codable {
    /// Which of the model's parts, counted from 0.
    package var part: Int
    /// Where it starts, in bytes from the part's beginning.
    package var offset: UInt64
    /// Bytes, not zero.
    package var length: UInt64

    package init(part: Int, offset: UInt64, length: UInt64) {
        self.part = part
        self.offset = offset
        self.length = length
    }

    /// One past the last byte.
    package var end: UInt64 { offset + length }

    /// The same bytes in file order, with ranges that touch or overlap joined.
    package static func joined(_ ranges: [ByteRange]) -> [ByteRange] {
        var joined: [ByteRange] = []
        for range in ranges.sorted() where range.length > 0 {
            if let last = joined.last, last.part == range.part, range.offset <= last.end {
                joined[joined.count - 1].length = max(last.end, range.end) - last.offset
            } else {
                joined.append(range)
            }
        }
        return joined
    }

    /// What both have, in file order.
    package static func intersection(_ ranges: [ByteRange], _ others: [ByteRange]) -> [ByteRange] {
        subtract(subtract(others, from: ranges), from: ranges)
    }

    /// What of `ranges` none of `others` has.
    package static func subtract(_ others: [ByteRange], from ranges: [ByteRange]) -> [ByteRange] {
        let holes = joined(others)
        var rest: [ByteRange] = []
        for range in joined(ranges) {
            var start = range.offset
            for hole in holes where hole.part == range.part && hole.end > start && hole.offset < range.end {
                if hole.offset > start {
                    rest.append(ByteRange(part: range.part, offset: start, length: hole.offset - start))
                }
                start = hole.end
            }
            if start < range.end {
                rest.append(ByteRange(part: range.part, offset: start, length: range.end - start))
            }
        }
        return rest
    }
}

extension ByteRange: Comparable {
    package static func < (left: ByteRange, right: ByteRange) -> Bool {
        (left.part, left.offset, left.length) < (right.part, right.offset, right.length)
    }
}
