import Foundation
import GGUF
import Identifiers
import Testing

@Suite("Ranges of layers and bytes")
struct RangeTests {
    @Test("a layer range cannot be empty or negative", arguments: [(0, 0), (3, 2), (-1, 2)])
    func emptyRanges(_ first: Int, _ end: Int) {
        #expect(LayerRange(first: first, end: end) == nil)
    }

    @Test("a layer range reads its own text", arguments: ["0..<4", "17..<18"])
    func text(_ text: String) throws {
        let range = try #require(LayerRange(text))
        #expect(range.description == text)
        let json = try JSONEncoder().encode([range])
        #expect(try JSONDecoder().decode([LayerRange].self, from: json) == [range])
    }

    @Test("other texts are no layer range", arguments: ["", "4", "0...4", "4..<4", "a..<b", "0..<", "..<3"])
    func badText(_ text: String) {
        #expect(LayerRange(text) == nil)
        #expect(throws: DecodingError.self) {
            try JSONDecoder().decode([LayerRange].self, from: Data("[\"\(text)\"]".utf8))
        }
    }

    @Test("layer ranges meet and contain")
    func relations() throws {
        let (low, high) = (try #require(LayerRange(first: 0, end: 4)), try #require(LayerRange(first: 3, end: 6)))
        #expect(low.overlaps(high))
        #expect(low.intersection(high) == LayerRange(first: 3, end: 4))
        #expect(low.contains(3) && !low.contains(4))
        #expect(low.contains(try #require(LayerRange(first: 1, end: 4))) && !low.contains(high))
        #expect(low < high)
        #expect(high.count == 3 && high.last == 5)
    }

    @Test("byte ranges are joined where they touch and taken apart where others have them")
    func byteRanges() {
        func range(_ offset: UInt64, _ length: UInt64, part: Int = 0) -> ByteRange {
            ByteRange(part: part, offset: offset, length: length)
        }
        let joined = ByteRange.joined([range(10, 5), range(0, 10), range(20, 1), range(0, 3, part: 1), range(12, 2)])
        #expect(joined == [range(0, 15), range(20, 1), range(0, 3, part: 1)])
        let rest = ByteRange.subtract([range(2, 3), range(4, 4), range(14, 9)], from: joined)
        #expect(rest == [range(0, 2), range(8, 6), range(0, 3, part: 1)])
        #expect(ByteRange.subtract(joined, from: joined) == [])
    }
}
