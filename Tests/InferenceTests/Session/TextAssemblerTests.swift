import Generation
import Inference
import ShoalTestSupport
import Testing

struct TextAssemblerTests {
    /// Feeds `text` in tokens of the given sizes in bytes, and gives the pieces that are not empty.
    private func pieces(
        _ bytes: [UInt8], sizes: [Int], stop: [String] = []
    ) -> (pieces: [TextAssembler.Piece], stopped: Bool) {
        var assembler = TextAssembler(stop: stop)
        var pieces: [TextAssembler.Piece] = []
        var place = 0
        for (index, size) in sizes.enumerated() {
            let end = min(bytes.count, place + size)
            pieces.append(assembler.feed(token: Int32(index), bytes: Array(bytes[place..<end])))
            place = end
        }
        pieces.append(assembler.finish())
        return (pieces.filter { !$0.isEmpty }, assembler.hasStopped)
    }

    @Test func `half a character waits for its other half`() {
        let result = pieces(Array("aéz".utf8), sizes: [2, 1, 1])
        #expect(result.pieces.map(\.text) == ["a", "é", "z"])
        #expect(result.pieces.map { $0.tokens.map(\.token) } == [[], [0, 1], [2]])
    }

    @Test func `bytes that are no character become a replacement character`() {
        let result = pieces([0x61, 0xFF, 0x62, 0xE2, 0x82], sizes: [1, 1, 1, 2])
        #expect(result.pieces.map(\.text).joined() == "a\u{FFFD}b\u{FFFD}")
        #expect(result.pieces.flatMap { $0.tokens.map(\.token) } == [0, 1, 2, 3])
    }

    @Test(arguments: [1, 2, 3, 5, 20])
    func `nothing of a stop text is given out`(size: Int) {
        let text = Array("Hello STOP world".utf8)
        let result = pieces(text, sizes: Array(repeating: size, count: 20), stop: ["never", "STOP"])
        #expect(result.stopped)
        #expect(result.pieces.map(\.text).joined() == "Hello ")
    }

    @Test func `tokens of a stop text are left out, the one that it begins in is kept`() {
        let result = pieces(Array("abSTcd".utf8), sizes: [1, 2, 1, 2], stop: ["ST"])
        #expect(result.pieces.map(\.text).joined() == "ab")
        #expect(result.pieces.flatMap { $0.tokens.map(\.token) } == [0, 1])
    }

    @Test func `the beginning of a stop text comes after all when it goes on otherwise`() {
        let result = pieces(Array("a<|b<|end".utf8), sizes: [2, 2, 2, 3], stop: ["<|end|>"])
        #expect(!result.stopped)
        #expect(result.pieces.map(\.text).joined() == "a<|b<|end")
        #expect(result.pieces.map(\.text).first == "a")
        #expect(result.pieces.flatMap { $0.tokens.map(\.token) } == [0, 1, 2, 3])
    }

    @Test func `the earliest of several stop texts ends the answer`() {
        let result = pieces(Array("one two three".utf8), sizes: [13], stop: ["three", "two"])
        #expect(result.pieces.map(\.text).joined() == "one ")
    }

    @Test func `offsets count Unicode scalars`() {
        var assembler = TextAssembler(stop: [], textOffset: 10)
        var tokens = assembler.feed(token: 1, bytes: Array("é".utf8)).tokens
        tokens += assembler.feed(token: 2, bytes: Array("👍🏽".utf8)).tokens
        tokens += assembler.feed(token: 3, bytes: Array("x".utf8)).tokens
        #expect(tokens.map(\.textOffset) == [10, 11, 13])
    }

    @Test(arguments: 0..<200)
    func `random cuts of random text give the same text as one piece`(seed: Int) {
        var random = SeededRandom(seed: UInt64(seed))
        let alphabet: [[UInt8]] = [
            Array("a".utf8), Array("b".utf8), Array("é".utf8), Array("€".utf8), Array("😀".utf8), [0xFF], [0xE2], [0x80],
            [0xF0, 0x9F], Array("ab".utf8),
        ]
        let bytes = (0..<Int.random(in: 0...40, using: &random)).flatMap { _ in
            alphabet.randomElement(using: &random) ?? []
        }
        let stop = ["ab€", "baa", "😀😀"]
        var sizes: [Int] = []
        while sizes.reduce(0, +) < bytes.count { sizes.append(Int.random(in: 0...4, using: &random)) }
        let cut = pieces(bytes, sizes: sizes, stop: stop)
        // What a stop text leaves, found in the bytes as a whole.
        var end = bytes.count
        for text in stop.map({ Array($0.utf8) }) where text.count <= bytes.count {
            for place in 0...(bytes.count - text.count) where Array(bytes[place..<(place + text.count)]) == text {
                end = min(end, place)
            }
        }
        #expect(cut.pieces.map(\.text).joined() == String(decoding: bytes[..<end], as: UTF8.self))
        #expect(cut.stopped == (end < bytes.count))
        if !cut.stopped { #expect(cut.pieces.flatMap { $0.tokens.map(\.token) } == (0..<sizes.count).map(Int32.init)) }
    }
}
