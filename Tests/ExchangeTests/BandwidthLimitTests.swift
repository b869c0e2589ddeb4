import Exchange
import Swarm
import Synchronization
import Testing
import Timing

@Suite("A limit of bytes per second", .timeLimit(.minutes(1)))
struct BandwidthLimitTests {
    @Test("so many bytes take so long, however they are cut", arguments: [1000, 4096, 100_000, 700_000])
    func rate(piece: Int) async throws {
        let clock = ManualClock()
        let limit = BandwidthLimit(bytesPerSecond: 100_000, clock: clock.nodeClock)
        try await driving(clock) {
            var sent = 0
            while sent < 1_400_000 {
                try await limit.take(piece)
                sent += piece
            }
            // What went over is paid for by whoever comes next.
            try await limit.take(0)
        }
        // The bucket is a quarter of a second deep.
        let seconds = clock.now.offset / .seconds(1)
        #expect(abs(seconds - 13.75) < Double(piece) / 100_000 + 0.01, "\(seconds)")
    }

    @Test("without a limit nothing waits")
    func none() async throws {
        let clock = ManualClock()
        let limit = BandwidthLimit(clock: clock.nodeClock)
        for _ in 0..<1000 { try await limit.take(1 << 30) }
        #expect(clock.now.offset == .zero)
        #expect(limit.portion(of: 1 << 18) == 1 << 18)
    }

    @Test("everybody who waits gets a share")
    func fair() async throws {
        let clock = ManualClock()
        let limit = BandwidthLimit(bytesPerSecond: 1_000_000, clock: clock.nodeClock)
        let shares = Shares()
        try await driving(clock) {
            try await withThrowingTaskGroup(of: Void.self) { group in
                for taker in 0..<5 {
                    group.addTask {
                        while clock.now.offset < .seconds(20) {
                            try await limit.take(10_000)
                            shares.add(10_000, to: taker)
                        }
                    }
                }
                try await group.waitForAll()
            }
        }
        let taken = shares.all
        #expect(taken.count == 5)
        #expect(abs(taken.reduce(0, +) - 20_250_000) < 100_000)
        // The clock goes on while a taker that has its bytes has not asked for more: that one loses a turn now and then.
        #expect(taken.allSatisfy { $0 > 2_500_000 }, "\(taken)")
    }

    @Test("a change holds for those who wait already", arguments: [0, 10_000_000])
    func change(rate: Int) async throws {
        let clock = ManualClock()
        let limit = BandwidthLimit(bytesPerSecond: 1000, clock: clock.nodeClock)
        try await limit.take(1_000_000)
        let waiting = Task { try await limit.take(1) }
        while clock.sleeperCount == 0 { await Task.yield() }
        limit.bytesPerSecond = rate
        try await driving(clock) { try await waiting.value }
        #expect(clock.now.offset < .seconds(1))
        #expect(limit.bytesPerSecond == rate)
    }

    @Test("whoever is cancelled lets the next one pass and takes nothing")
    func cancelled() async throws {
        let clock = ManualClock()
        let limit = BandwidthLimit(bytesPerSecond: 1000, clock: clock.nodeClock)
        try await limit.take(10_000)
        let first = Task { try await limit.take(1_000_000) }
        while clock.sleeperCount == 0 { await Task.yield() }
        let second = Task { try await limit.take(1_000_000) }
        let third = Task { try await limit.take(1) }
        second.cancel()
        first.cancel()
        await #expect(throws: CancellationError.self) { try await first.value }
        await #expect(throws: CancellationError.self) { try await second.value }
        try await driving(clock) { try await third.value }
        #expect(clock.now.offset < .seconds(11))
    }

    @Test("under a small limit pieces are small", arguments: [(125_000, 7812), (1_250_000, 78125), (1000, 4096)])
    func portion(rate: Int, bytes: Int) {
        #expect(BandwidthLimit(bytesPerSecond: rate).portion(of: 256 << 10) == bytes)
    }
}

/// What each taker has got.
private final class Shares: Sendable {
    private let bytes = Mutex<[Int: Int]>([:])

    var all: [Int] { bytes.withLock { Array($0.values) } }

    func add(_ count: Int, to taker: Int) { bytes.withLock { $0[taker, default: 0] += count } }
}
