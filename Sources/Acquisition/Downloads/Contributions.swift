import BLAKE3
import Exchange
import GGUF
import ModelLibrary
import Synchronization

/// Who sent which bytes of a shard, so that a wrong one can be traced to its sender.
final class Contributions: Sendable {
    /// Wrong bytes of one sender, before they were dropped.
    struct Suspicion: Sendable {
        let supplier: SupplierName
        let range: ByteRange
        let hash: BLAKE3.Digest
    }

    /// Wrong shards are compared in pieces of this size.
    private static let comparedBytes: UInt64 = 4 << 20

    private let ranges = Mutex<[SupplierName: [ByteRange]]>([:])

    func note(_ range: ByteRange, from supplier: SupplierName) {
        ranges.withLock { ranges in
            // Bytes come in order mostly: then the last range grows.
            if let last = ranges[supplier]?.last, last.part == range.part, last.end == range.offset {
                ranges[supplier]![ranges[supplier]!.count - 1].length += range.length
            } else {
                ranges[supplier, default: []].append(range)
            }
        }
    }

    var suppliers: Set<SupplierName> { ranges.withLock { Set($0.keys) } }

    /// Bytes from each sender.
    var bytes: [SupplierName: UInt64] {
        ranges.withLock { $0.mapValues { ranges in ranges.reduce(0) { $0 + $1.length } } }
    }

    /// Whether what came is all of that.
    func cover(_ wanted: [ByteRange]) -> Bool {
        ByteRange.subtract(ranges.withLock { $0.values.flatMap { $0 } }, from: wanted).isEmpty
    }

    /// What each sender's bytes are, to compare with the right ones once they have come.
    func suspicions(in arrival: ShardArrival) async -> [Suspicion] {
        var suspicions: [Suspicion] = []
        for (supplier, ranges) in ranges.withLock({ $0 }) {
            for range in ranges {
                var offset = range.offset
                while offset < range.end {
                    let length = min(range.end - offset, Self.comparedBytes)
                    let piece = ByteRange(part: range.part, offset: offset, length: length)
                    // What cannot be read any more accuses nobody.
                    if let hash = try? await arrival.hash(of: [piece]) {
                        suspicions.append(Suspicion(supplier: supplier, range: piece, hash: hash))
                    }
                    offset += length
                }
            }
        }
        return suspicions
    }
}
