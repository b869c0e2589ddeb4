import Hub
import NIOCore
import ShoalTestSupport
import StandIn
import Synchronization
import Testing

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// Reading many ranges over several connections.
struct ManyRangesTests {
    @Test func `neighbouring ranges come with one request, and gaps are dropped`() async throws {
        let content = SeededRandom.bytes(1_000_000, seed: 4)
        try await withStandInHub(files: ["a/b/c.gguf": content]) { hub in
            try await hub.withClient { client in
                let file = try await client.resolve(HubRepository("a/b"), HubFilePath("c.gguf"))
                let ranges: [Range<UInt64>] = [900_000..<900_100, 0..<100, 100..<1000, 50_000..<60_000, 500..<800]
                let delivery = Delivery(of: content)
                try await client.readAll(file, ranges: ranges, connections: 1) { delivery.take($0, at: $1) }
                #expect(delivery.isExactly(ranges))
                #expect(try await hub.ranges() == ["bytes=0-59999", "bytes=900000-900099"])
            }
        }
    }

    @Test func `a long range is split over the connections`() async throws {
        let content = SeededRandom.bytes(4 << 20, seed: 5)
        try await withStandInHub(files: ["a/b/c.gguf": content]) { hub in
            try await hub.withClient { client in
                let file = try await client.resolve(HubRepository("a/b"), HubFilePath("c.gguf"))
                let delivery = Delivery(of: content)
                try await client.readAll(file, ranges: [0..<file.sizeBytes]) { delivery.take($0, at: $1) }
                #expect(delivery.isExactly([0..<file.sizeBytes]))
                let sent = try await hub.requests().filter { $0.host == "store" }.map(\.sent)
                #expect(sent == [1 << 20, 1 << 20, 1 << 20, 1 << 20])
            }
        }
    }

    @Test(arguments: [UInt64(11), 12, 13])
    func `through many breaks every wanted byte comes once`(_ seed: UInt64) async throws {
        var generator = SeededRandom(seed: seed)
        let content = SeededRandom.bytes(3_000_000, seed: seed)
        let ranges: [Range<UInt64>] = (0..<30).map { _ in
            let start = UInt64.random(in: 0..<2_900_000, using: &generator)
            return start..<start + UInt64.random(in: 0...100_000, using: &generator)
        }
        try await withStandInHub(files: ["a/b/c.gguf": content]) { hub in
            try await hub.withClient({ $0.maximumAttempts = 20 }) { client in
                let file = try await client.resolve(HubRepository("a/b"), HubFilePath("c.gguf"))
                try await hub.fault(#"{"kind": "truncate", "host": "store", "after": 30000, "times": 10}"#)
                try await hub.fault(#"{"kind": "drop", "host": "store", "skip": 4, "times": 3}"#)
                try await hub.fault(#"{"kind": "status", "status": 503, "host": "store", "skip": 9, "times": 3}"#)
                let delivery = Delivery(of: content)
                try await client.readAll(file, ranges: ranges) { delivery.take($0, at: $1) }
                #expect(delivery.isExactly(ranges), "seed \(seed)")
            }
        }
    }

    @Test func `when one piece fails the others are given up`() async throws {
        let content = SeededRandom.bytes(4 << 20, seed: 6)
        try await withStandInHub(files: ["a/b/c.gguf": content]) { hub in
            try await hub.withClient { client in
                let file = try await client.resolve(HubRepository("a/b"), HubFilePath("c.gguf"))
                try await hub.fault(#"{"kind": "change", "skip": 2}"#)
                let delivery = Delivery(of: content)
                let error = await #expect(throws: HubError.self) {
                    try await client.readAll(file, ranges: [0..<file.sizeBytes]) { delivery.take($0, at: $1) }
                }
                #expect(error?.code == .fileChanged)
                #expect(delivery.isRight)
            }
        }
    }

    @Test func `a large file passes through little memory`() async throws {
        let size = 200 << 20
        // A file of zeros that takes no room on the disk.
        try await withStandInHub(files: ["a/b/c.gguf": [0]]) { hub in
            try #require(truncate(hub.root + "/a/b/c.gguf", off_t(size)) == 0)
            try await hub.withClient({ $0.stallLimit = .seconds(20) }) { client in
                let file = try await client.resolve(HubRepository("a/b"), HubFilePath("c.gguf"))
                #expect(file.sizeBytes == UInt64(size))
                let counter = Counter()
                let before = try residentBytes()
                try await client.readAll(file, ranges: [0..<file.sizeBytes]) { chunk, _ in
                    counter.add(chunk.readableBytes)
                    counter.note(try residentBytes())
                }
                #expect(counter.total == size)
                let growth = counter.peak - before
                #expect(growth < 64 << 20, "\(growth >> 20) MiB more resident memory while \(size >> 20) MiB came")
            }
        }
    }
}

/// Counts bytes, and keeps the largest of the amounts it is told.
private final class Counter: Sendable {
    private let state = Mutex((total: 0, peak: 0))

    var total: Int { state.withLock { $0.total } }
    var peak: Int { state.withLock { $0.peak } }

    func add(_ bytes: Int) { state.withLock { $0.total += bytes } }
    func note(_ amount: Int) { state.withLock { $0.peak = max($0.peak, amount) } }
}

/// Resident memory of this process.
private func residentBytes() throws -> Int {
    let status = try String(contentsOfFile: "/proc/self/status", encoding: .utf8)
    let line = try #require(status.split(separator: "\n").first { $0.hasPrefix("VmRSS:") })
    return try #require(Int(line.split(whereSeparator: { $0 == " " || $0 == "\t" })[1].filter(\.isNumber))) * 1024
}
