import GGUF
import ShoalTestSupport
import Testing

@testable import Acquisition

@Suite struct PiecePoolTests {
    @Test("pieces are dealt out once each, within their limit, and come back whole", arguments: 1...50)
    func pieces(seed: Int) {
        var random = SeededRandom(seed: UInt64(seed))
        var ranges: [ByteRange] = []
        var offset: UInt64 = 0
        for _ in 0..<Int.random(in: 1...20, using: &random) {
            offset += UInt64.random(in: 0...50, using: &random)
            let length = UInt64.random(in: 1...1000, using: &random)
            ranges.append(ByteRange(part: Int.random(in: 0...1, using: &random), offset: offset, length: length))
            offset += length
        }
        let all = ByteRange.joined(ranges)
        var pool = PiecePool(all)
        var dealt: [ByteRange] = []
        while !pool.isEmpty {
            let limit = UInt64.random(in: 1...700, using: &random)
            let piece = pool.take(upTo: limit)
            #expect(!piece.isEmpty)
            #expect(piece.reduce(0) { $0 + $1.length } <= limit)
            #expect(ByteRange.intersection(piece, dealt).isEmpty)
            if Bool.random(using: &random), dealt.count < 200 {
                dealt += piece
            } else if Int.random(in: 0...3, using: &random) == 0 {
                dealt += piece
            } else {
                pool.giveBack(piece)
            }
        }
        #expect(ByteRange.joined(dealt) == all)
        #expect(pool.take(upTo: 10) == [])
    }

    @Test("the speed is what came lately, and nothing after a pause")
    func speed() {
        var meter = SpeedMeter()
        let start = ContinuousClock.now
        #expect(meter.bytesPerSecond(at: start) == 0)
        for tick in 0..<40 { meter.add(1000, at: start + .milliseconds(100 * tick)) }
        let speed = meter.bytesPerSecond(at: start + .seconds(4))
        #expect((9000...11000).contains(speed))
        #expect(meter.bytesPerSecond(at: start + .seconds(60)) == 0)
    }
}
