package import GGUF

/// What has to come next of a transfer: exactly what was asked for, in order and once.
package struct ChunkOrder: Sendable {
    /// A message that was not asked for.
    package struct Violation: Error, Sendable, CustomStringConvertible {
        package let description: String
    }

    private let ranges: [ByteRange]
    private let largest: Int
    private var place = 0
    private var done: UInt64 = 0

    /// - Parameters:
    ///   - ranges: what was asked for.
    ///   - largest: the most bytes of a message.
    package init(_ ranges: [ByteRange], largest: Int = ShardRequest.maximumChunkBytes) {
        self.ranges = ranges
        self.largest = largest
    }

    /// Whether all of it came.
    package var isComplete: Bool { place == ranges.count }

    package mutating func accept(part: UInt32, offset: UInt64, count: Int) throws(Violation) {
        guard place < ranges.count else { throw Violation(description: "more than was asked for") }
        let range = ranges[place]
        guard count > 0 else { throw Violation(description: "an empty piece") }
        guard count <= largest else { throw Violation(description: "a piece of \(count) bytes") }
        guard Int(part) == range.part, offset == range.offset + done else {
            throw Violation(
                description: "bytes from \(offset) of part \(part) where those from \(range.offset + done) of part "
                    + "\(range.part) were due")
        }
        guard UInt64(count) <= range.length - done else {
            throw Violation(description: "bytes beyond those that were asked for")
        }
        done += UInt64(count)
        if done == range.length { (place, done) = (place + 1, 0) }
    }
}
