package import GGUF

/// The bytes of a shard that are still to come, dealt out in pieces to whoever sends them.
package struct PiecePool: Sendable {
    private var waiting: [ByteRange]

    /// - Parameter ranges: what is to come.
    package init(_ ranges: [ByteRange]) {
        waiting = ByteRange.joined(ranges)
    }

    package var isEmpty: Bool { waiting.isEmpty }

    /// The next bytes in file order, at most `limit` of them; empty when all are dealt out.
    ///
    /// Ranges lie side by side in a shard mostly, and one piece may have several.
    package mutating func take(upTo limit: UInt64) -> [ByteRange] {
        var piece: [ByteRange] = []
        var left = limit
        while left > 0, let first = waiting.first {
            let length = min(first.length, left)
            piece.append(ByteRange(part: first.part, offset: first.offset, length: length))
            left -= length
            if length == first.length {
                waiting.removeFirst()
            } else {
                waiting[0] = ByteRange(part: first.part, offset: first.offset + length, length: first.length - length)
            }
        }
        return piece
    }

    /// Takes back what was dealt out and did not come.
    package mutating func giveBack(_ ranges: [ByteRange]) {
        waiting = ByteRange.joined(waiting + ranges)
    }
}
