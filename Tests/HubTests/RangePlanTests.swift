import Hub
import ShoalTestSupport
import Testing

/// What is asked for so that all wanted ranges come.
struct RangePlanTests {
    @Test(
        arguments: [
            ([], 10, []), ([5..<5], 10, []), ([0..<10, 10..<20], 0, [0..<20]),
            ([0..<10, 11..<20], 0, [0..<10, 11..<20]),
            ([0..<10, 20..<30], 10, [0..<30]), ([0..<10, 21..<30], 10, [0..<10, 21..<30]),
            ([20..<30, 0..<10, 5..<25], 0, [0..<30]),
            ([0..<100, 10..<20], 0, [0..<100]), ([0..<UInt64.max, 5..<6], UInt64.max, [0..<UInt64.max]),
        ] as [([Range<UInt64>], UInt64, [Range<UInt64>])])
    func `neighbours are joined`(_ ranges: [Range<UInt64>], _ gap: UInt64, _ expected: [Range<UInt64>]) {
        #expect(RangePlan.join(ranges, gap: gap).map(\.range) == expected)
    }

    @Test(arguments: 0..<200)
    func `joined and split, exactly the wanted bytes are there, once`(_ seed: Int) {
        var generator = SeededRandom(seed: UInt64(seed))
        let size = 400
        let ranges = (0..<Int.random(in: 0...12, using: &generator)).map { _ in
            let start = UInt64.random(in: 0..<UInt64(size), using: &generator)
            return start..<UInt64.random(in: start...UInt64(min(size, Int(start) + 60)), using: &generator)
        }
        let gap = UInt64.random(in: 0...30, using: &generator)
        let longest = UInt64.random(in: 1...90, using: &generator)
        let wanted = Set(ranges.flatMap { Array($0) })
        let spans = RangePlan.join(ranges, gap: gap)
        let pieces = RangePlan.split(spans, at: longest)

        for plan in [spans, pieces] {
            let delivered = plan.flatMap { $0.wanted.flatMap { Array($0) } }
            #expect(delivered.count == wanted.count && Set(delivered) == wanted, "seed \(seed)")
            #expect(delivered == delivered.sorted(), "seed \(seed)")
            for span in plan {
                #expect(span.range.lowerBound == span.wanted.first?.lowerBound, "seed \(seed)")
                #expect(span.range.upperBound == span.wanted.last?.upperBound, "seed \(seed)")
                for (left, right) in zip(span.wanted, span.wanted.dropFirst()) {
                    #expect(
                        (1...gap).contains(right.lowerBound - left.upperBound), "seed \(seed): a gap too long to read")
                }
            }
        }
        for (left, right) in zip(spans, spans.dropFirst()) {
            #expect(right.range.lowerBound > left.range.upperBound + gap, "seed \(seed): these could have been joined")
        }
        #expect(pieces.allSatisfy { UInt64($0.range.count) <= longest }, "seed \(seed)")
    }
}
