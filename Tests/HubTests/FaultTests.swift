import Hub
import Logging
import NIOCore
import ShoalTestSupport
import StandIn
import Synchronization
import Testing

/// Reading files of a hub that misbehaves.
struct FaultTests {
    static let size = 2_000_000
    static let content = SeededRandom.bytes(size, seed: 2)
    static let files = ["shoal/tiny-GGUF/tiny.gguf": content]

    /// Runs `body` with a file that was looked up before the faults came into force.
    static func withFile(
        _ faults: [String], stallLimit: Duration = .milliseconds(400),
        _ body: (StandInHub, HubClient, HubFile) async throws -> Void
    ) async throws {
        try await withStandInHub(files: files) { hub in
            try await hub.withClient(token: StandInHub.token, { $0.stallLimit = stallLimit }) { client in
                let file = try await client.resolve(HubRepository("shoal/tiny-GGUF"), HubFilePath("tiny.gguf"))
                for fault in faults { try await hub.fault(fault) }
                try await body(hub, client, file)
            }
        }
    }

    @Test(arguments: [
        #"{"kind": "truncate", "host": "store", "after": 700000, "times": 1}"#,
        #"{"kind": "stall", "host": "store", "after": 700000, "seconds": 5, "times": 1}"#,
    ])
    func `what broke off or stalled goes on where it was`(_ fault: String) async throws {
        try await Self.withFile([fault]) { hub, client, file in
            let bytes = try await client.bytes(file, 100..<2_000_000)
            #expect(bytes == Array(Self.content[100...]))
            let ranges = try await hub.ranges()
            #expect(ranges.count == 2 && ranges[0] == "bytes=100-1999999")
            let next = try #require(ranges[1].wholeMatch(of: #/bytes=([0-9]+)-1999999/#).flatMap { Int($0.output.1) })
            // It does not begin anew. What has come and was not taken yet goes with the connection, which is all but what was taken last
            // where much else runs: when a connection ends early, NIO reads it to its end and AsyncHTTPClient drops what it keeps.
            #expect((101...700_100).contains(next))
        }
    }

    @Test(arguments: [
        #"{"kind": "status", "status": 503, "host": "store", "times": 3}"#,
        #"{"kind": "status", "status": 429, "host": "store", "times": 2, "retry_after": 0}"#,
        #"{"kind": "status", "status": 429, "host": "store", "times": 1, "rate_limit": 0}"#,
        #"{"kind": "status", "status": 500, "host": "store", "times": 1, "retry_after": "Sun, 06 Nov 1994 08:49:37 GMT"}"#,
        #"{"kind": "drop", "host": "store", "times": 3}"#,
        #"{"kind": "truncate", "host": "store", "after": 0, "times": 3}"#,
        #"{"kind": "short", "host": "store", "missing": 1000, "times": 1}"#,
        #"{"kind": "wrong_range", "host": "store", "shift": 3, "times": 1}"#,
        #"{"kind": "long", "host": "store", "extra": 10, "times": 1}"#,
        #"{"kind": "ignore_range", "host": "store"}"#,
        #"{"kind": "no_etag", "host": "store"}"#,
        #"{"kind": "expire"}"#,
        #"{"kind": "status", "status": 403, "host": "store", "times": 2}"#,
    ])
    func `faults that pass leave no trace in the bytes`(_ fault: String) async throws {
        try await Self.withFile([fault]) { hub, client, file in
            let bytes = try await client.bytes(file, 1000..<1_900_000)
            #expect(bytes == Array(Self.content[1000..<1_900_000]))
        }
    }

    @Test(arguments: [
        (#"{"kind": "status", "status": 503, "host": "store"}"#, HubError.Code.unavailable),
        (#"{"kind": "status", "status": 429, "host": "store"}"#, .rateLimited),
        (#"{"kind": "status", "status": 429, "host": "store", "retry_after": 100000}"#, .rateLimited),
        (#"{"kind": "status", "status": 418, "host": "store"}"#, .badAnswer),
        (#"{"kind": "status", "status": 403, "host": "store"}"#, .unauthorized),
        (#"{"kind": "drop", "host": "store"}"#, .unavailable),
        (#"{"kind": "truncate", "host": "store", "after": 10}"#, .unavailable),
        (#"{"kind": "stall", "host": "store", "after": 10, "seconds": 3}"#, .stalled),
        (#"{"kind": "short", "host": "store", "missing": 1000}"#, .badAnswer),
        (#"{"kind": "long", "host": "store", "extra": 10}"#, .badAnswer),
        (#"{"kind": "wrong_range", "host": "store", "shift": 1}"#, .badAnswer),
        (#"{"kind": "wrong_range", "host": "store", "shift": 4000000}"#, .badAnswer),
        (#"{"kind": "redirect", "host": "store", "location": "/repos/shoal/tiny-GGUF/x"}"#, .badAnswer),
        (#"{"kind": "redirect", "host": "store", "location": "ftp://h/x"}"#, .badAnswer),
        (#"{"kind": "body", "host": "store", "body": "not the file"}"#, .sizeMismatch),
    ])
    func `faults that last end with an error that names them`(_ fault: String, _ code: HubError.Code) async throws {
        let taken = Delivery(of: Self.content)
        try await Self.withFile([fault], stallLimit: .milliseconds(150)) { hub, client, file in
            let error = await #expect(throws: HubError.self) {
                try await client.read(file, range: 1000..<1_900_000) { chunk, offset in
                    taken.take(chunk, at: offset)
                }
            }
            #expect(error?.code == code, "\(error?.message ?? "no error")")
            #expect(error?.message.contains(StandInHub.token) == false)
        }
        #expect(taken.isRight, "bytes were delivered that are not the file's")
    }

    @Test func `a file that is far into a server without ranges is given up`() async throws {
        let content = SeededRandom.bytes(9 << 20, seed: 3)
        try await withStandInHub(files: ["shoal/tiny-GGUF/tiny.gguf": content]) { hub in
            try await hub.fault(#"{"kind": "ignore_range", "host": "store"}"#)
            try await hub.withClient { client in
                let file = try await client.resolve(HubRepository("shoal/tiny-GGUF"), HubFilePath("tiny.gguf"))
                #expect(try await client.bytes(file, 8_000_000..<8_000_100) == Array(content[8_000_000..<8_000_100]))
                let error = await #expect(throws: HubError.self) { try await client.bytes(file, 9_000_000..<9_000_100) }
                #expect(error?.code == .badAnswer)
            }
        }
    }

    @Test func `a file that changes between two ranges is noticed before its bytes are taken`() async throws {
        try await Self.withFile([#"{"kind": "change", "skip": 1}"#]) { hub, client, file in
            #expect(try await client.bytes(file, 0..<1000) == Array(Self.content[..<1000]))
            let error = await #expect(throws: HubError.self) { try await client.bytes(file, 1000..<2000) }
            #expect(error?.code == .fileChanged)
            let now = try await client.resolve(file.repository, file.path)
            #expect(!now.isSameState(as: file))
            #expect(try await client.bytes(now, 0..<10) == Self.content[..<10].map { $0 ^ 0x5A })
        }
    }

    @Test func `a file that changes while a range is read is noticed when the rest is asked for`() async throws {
        let faults = [
            #"{"kind": "truncate", "host": "store", "after": 500000, "times": 1}"#, #"{"kind": "change", "skip": 1}"#,
        ]
        try await Self.withFile(faults) { hub, client, file in
            let taken = Delivery(of: Self.content)
            let error = await #expect(throws: HubError.self) {
                try await client.read(file, range: 0..<2_000_000) { chunk, offset in
                    taken.take(chunk, at: offset)
                }
            }
            #expect(error?.code == .fileChanged)
            #expect(taken.isRight)
        }
    }

    @Test func `a location that expired is asked for anew, at the same commit`() async throws {
        try await Self.withFile([]) { hub, client, file in
            #expect(try await client.bytes(file, 0..<10) == Array(Self.content[..<10]))
            try await hub.fault(#"{"kind": "expire"}"#)
            #expect(try await client.bytes(file, 10..<20) == Array(Self.content[10..<20]))
            let requests = try await hub.requests()
            #expect(
                requests.map { "\($0.host) \($0.status)" } == [
                    "hub 302", "store 206", "store 403", "hub 302", "store 206",
                ])
            #expect(requests[3].path.contains("/resolve/\(file.commit)/"))
        }
    }

    @Test(arguments: [1_999_999, 2_000_001, 5_000_000])
    func `a hub that lies about a size is caught`(_ claimed: Int) async throws {
        try await withStandInHub(files: Self.files) { hub in
            try await hub.fault(#"{"kind": "size", "path": "tiny.gguf", "size": \#(claimed)}"#)
            try await hub.withClient { client in
                let file = try await client.resolve(HubRepository("shoal/tiny-GGUF"), HubFilePath("tiny.gguf"))
                #expect(file.sizeBytes == UInt64(claimed))
                for range in [0..<100, file.sizeBytes - 100..<file.sizeBytes] {
                    let error = await #expect(throws: HubError.self) { try await client.bytes(file, range) }
                    #expect(error?.code == .sizeMismatch)
                }
            }
        }
    }

    @Test func `ranges past the end are refused without a request`() async throws {
        try await Self.withFile([]) { hub, client, file in
            let error = await #expect(throws: HubError.self) { try await client.bytes(file, 0..<2_000_001) }
            #expect(error?.code == .sizeMismatch)
            let requests = try await hub.requests()
            #expect(requests.map(\.host) == ["hub"])
            #expect(try await client.bytes(file, 5..<5).isEmpty)
        }
    }

    @Test func `looking up waits for a hub that is busy`() async throws {
        try await withStandInHub(files: Self.files) { hub in
            try await hub.fault(#"{"kind": "status", "status": 429, "host": "hub", "times": 2, "retry_after": 0}"#)
            try await hub.withClient { client in
                let path = try HubFilePath("tiny.gguf")
                #expect(try await client.resolve(HubRepository("shoal/tiny-GGUF"), path).sizeBytes == 2_000_000)
                #expect(try await hub.requests().map(\.status) == [429, 429, 302])
                let missing = try HubFilePath("folder/none.gguf")
                let error = await #expect(throws: HubError.self) {
                    try await client.resolve(HubRepository("shoal/tiny-GGUF"), missing)
                }
                #expect(error?.code == .notFound)
            }
        }
    }

    @Test func `nobody at the address is said plainly`() async throws {
        var configuration = HubConfiguration()
        configuration.endpoint = try HubEndpoint("http://127.0.0.1:1")
        configuration.firstPause = .milliseconds(1)
        configuration.maximumAttempts = 2
        try await HubClient.with(configuration, logger: Logger(label: "hub-tests")) { client in
            let error = await #expect(throws: HubError.self) { try await client.search(query: "a") }
            #expect(error?.code == .unavailable)
            #expect(error?.message.contains("HF_ENDPOINT") == true)
        }
    }

    @Test(.timeLimit(.minutes(1)))
    func `cancelling ends a slow read at once`() async throws {
        let stall = #"{"kind": "stall", "host": "store", "after": 1000, "seconds": 20}"#
        try await Self.withFile([stall], stallLimit: .seconds(60)) { hub, client, file in
            let (begun, begin) = AsyncStream<Void>.makeStream()
            let reading = Task {
                try await client.read(file, range: 0..<2_000_000) { _, _ in begin.yield() }
            }
            for await _ in begun { break }
            let clock = ContinuousClock()
            let waited = await clock.measure {
                reading.cancel()
                await #expect(throws: CancellationError.self) { try await reading.value }
            }
            #expect(waited < .seconds(5))
        }
    }

    @Test func `what the taker throws is thrown, and nothing tried again`() async throws {
        struct DiskFull: Error {}
        try await Self.withFile([]) { hub, client, file in
            await #expect(throws: DiskFull.self) {
                try await client.read(file, range: 0..<2_000_000) { _, _ in throw DiskFull() }
            }
            let ranges = try await hub.ranges()
            #expect(ranges.count == 1)
        }
    }

    @Test(.timeLimit(.minutes(1)), arguments: [(rate: 100, isStalled: true), (20_000, false)])
    func `a trickle is a stall, and what is merely slow is none`(rate: Int, isStalled: Bool) async throws {
        let fault = #"{"kind": "slow", "host": "store", "bytes_per_second": \#(rate)}"#
        try await withStandInHub(files: Self.files) { hub in
            let impatient: (inout HubConfiguration) -> Void = {
                $0.slownessWindow = .milliseconds(500)
                $0.maximumAttempts = 2
            }
            try await hub.withClient(impatient) { client in
                let file = try await client.resolve(HubRepository("shoal/tiny-GGUF"), HubFilePath("tiny.gguf"))
                try await hub.fault(fault)
                let taken = Delivery(of: Self.content)
                let reading = { try await client.read(file, range: 0..<30_000) { taken.take($0, at: $1) } }
                if isStalled {
                    let error = await #expect(throws: HubError.self) { try await reading() }
                    #expect(error?.code == .stalled)
                    #expect(
                        error?.message.contains("next to nothing arrived for 500 ms") == true, "\(error?.message ?? "")"
                    )
                    // What came is kept, and not asked for again.
                    #expect(Set(try await hub.ranges()).count == 2)
                } else {
                    try await reading()
                    #expect(try await hub.ranges() == ["bytes=0-29999"])
                }
                #expect(taken.isRight)
            }
        }
    }

    @Test func `a slow taker is no stall`() async throws {
        try await Self.withFile([], stallLimit: .milliseconds(60)) { hub, client, file in
            let state = FirstTime()
            try await client.read(file, range: 0..<2_000_000) { _, _ in
                if state.isFirst() { try await Task.sleep(for: .milliseconds(300)) }
            }
            #expect(try await hub.ranges().count == 1)
        }
    }
}

/// Says yes to the first who asks.
private final class FirstTime: Sendable {
    private let state = Mutex(false)

    func isFirst() -> Bool {
        state.withLock { asked in
            defer { asked = true }
            return !asked
        }
    }
}
