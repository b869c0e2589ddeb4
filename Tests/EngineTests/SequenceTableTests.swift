import Identifiers
import ShoalTestSupport
import Testing

@testable import Engine

@Suite("Sequences of a window")
struct SequenceTableTests {
    private static func adapters(_ byte: UInt8, scale: Float = 1) throws -> AdapterSet {
        try #require(AdapterSet([.init(digest: [UInt8](repeating: byte, count: 32), scale: scale)]))
    }

    @Test("A kept prefix serves only sessions of its adapters, at its strength")
    func adapters() throws {
        var table = SequenceTable(capacity: 4)
        let sets = [AdapterSet.none, try Self.adapters(1), try Self.adapters(1, scale: 0.5), try Self.adapters(2)]
        let sequences = sets.compactMap { _ in table.take()?.sequence }
        for (sequence, set) in zip(sequences, sets) {
            // What is the same for other adapters makes nothing needless.
            #expect(table.keep(sequence, tokens: [1, 2, 3], adapters: set).isEmpty)
        }
        for (sequence, set) in zip(sequences, sets) {
            let pinned = table.pinLongestPrefix(of: [1, 2, 4], adapters: set)
            #expect(pinned?.sequence == sequence)
            #expect(pinned?.length == 2)
            table.unpin(sequence)
        }
        let stranger = table.pinLongestPrefix(of: [1, 2, 3], adapters: try Self.adapters(3))
        #expect(stranger == nil)
        let other = table.pinLongestPrefix(of: [2], adapters: .none)
        #expect(other == nil)
    }

    @Test("A longer prefix makes shorter ones needless, and a shorter one is not kept beside it")
    func needless() throws {
        var table = SequenceTable(capacity: 3)
        let first = try #require(table.take()?.sequence)
        let second = try #require(table.take()?.sequence)
        #expect(table.keep(first, tokens: [1, 2], adapters: .none).isEmpty)
        #expect(table.keep(second, tokens: [1, 2, 3], adapters: .none) == [first])
        table.release(first)
        let third = try #require(table.take()?.sequence)
        #expect(table.keep(third, tokens: [1], adapters: .none) == [third])
        #expect(table.keep(third, tokens: [], adapters: .none) == [third])
        #expect(table.kept.map(\.sequence) == [second])
    }

    @Test("What is pinned is not evicted, and of the rest the one goes that was used longest ago")
    func eviction() throws {
        var table = SequenceTable(capacity: 3)
        for prompt in [[1], [2], [3]] as [[Int32]] {
            let taken = table.take()
            let needless = table.keep(try #require(taken?.sequence), tokens: prompt, adapters: .none)
            #expect(needless.isEmpty)
        }
        let first = table.pinLongestPrefix(of: [1], adapters: .none)
        let pinned = try #require(first?.sequence)
        let second = table.pinLongestPrefix(of: [2], adapters: .none)
        let used = try #require(second?.sequence)
        table.unpin(used)
        var taken: [Int32?] = []
        for _ in 0..<3 { taken.append(table.take()?.sequence) }
        #expect(taken[0] != pinned && taken[0] != used && taken[0] != nil)
        #expect(taken[1...] == [used, nil])
        table.unpin(pinned)
        let last = table.take()
        #expect(last?.sequence == pinned)
        #expect(last?.evicted == true)
    }

    @Test("A set of adapters names each once, by a whole digest, at a strength that is a number")
    func sets() throws {
        func use(_ byte: UInt8, count: Int = 32, scale: Float = 1) -> AdapterSet.Use {
            .init(digest: [UInt8](repeating: byte, count: count), scale: scale)
        }
        #expect(AdapterSet([]) == AdapterSet.none)
        #expect(AdapterSet([use(1), use(2)]) == AdapterSet([use(2), use(1)]))
        #expect(AdapterSet([use(1), use(1, scale: 2)]) == nil)
        #expect(AdapterSet([use(1, count: 31)]) == nil)
        #expect(AdapterSet([use(1, scale: .nan)]) == nil)
        #expect(AdapterSet((0..<17).map { use($0) }) == nil)
        #expect(AdapterSet((0..<16).map { use($0) })?.uses.count == 16)
    }
}
