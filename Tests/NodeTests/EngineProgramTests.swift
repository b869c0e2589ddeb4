import Foundation
import Logging
import ShoalTestSupport
import Synchronization
import Testing
import Timing

@testable import Node

@Suite("What the engine program says of the machine", .timeLimit(.minutes(1)))
struct EngineProgramTests {
    private static let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

    private func withProgram<Answer: Sendable>(
        _ script: String, limit: Duration = .seconds(30), _ body: (EngineProgram) async throws -> Answer
    ) async throws -> Answer {
        try await withTemporaryFolder { directory in
            let binary = directory + "/engine"
            try Data("#!/bin/sh\n\(script)\n".utf8).write(to: URL(filePath: binary))
            try FileManager.default.setAttributes([.posixPermissions: 0o700], ofItemAtPath: binary)
            return try await body(EngineProgram(binary: binary, limit: limit))
        }
    }

    private func names(
        _ script: String, limit: Duration = .seconds(30), variables: [String: String] = [:]
    ) async throws -> [String] {
        try await withProgram(script, limit: limit) { await $0.devices(variables: variables, logger: Self.logger) }
    }

    @Test("They are told line by line, under the variables that were given")
    func lines() async throws {
        let found = try await names(
            "echo CUDA0; echo \"$HIP_VISIBLE_DEVICES $1\"", variables: ["HIP_VISIBLE_DEVICES": "-1"])
        #expect(found == ["CUDA0", "-1 --devices"])
    }

    @Test("A program that never answers is given up, and one that is not there finds nothing")
    func silence() async throws {
        let begin = ContinuousClock.now
        #expect(try await names("exec sleep 300", limit: .milliseconds(300)).isEmpty)
        #expect(begin.duration(to: .now) < .seconds(30))
        let missing = EngineProgram(binary: "/nowhere/engine")
        #expect(await missing.devices(variables: [:], logger: Self.logger).isEmpty)
        #expect(await missing.memoryBandwidth(logger: Self.logger) == nil)
    }

    @Test(
        "The memory's speed is a number or nothing",
        arguments: [
            ("echo 2.5e10; echo \"$1\"", 2.5e10), ("echo \"$1\"", nil), ("exit 1", nil), ("echo -1", nil),
            ("echo nan", nil),
            ("echo 0", nil), ("echo inf", nil),
        ] as [(String, Double?)])
    func bandwidth(script: String, expected: Double?) async throws {
        let found = try await withProgram(script) { await $0.memoryBandwidth(logger: Self.logger) }
        #expect(found == expected)
    }

    @Test(
        "What takes a moment to measure is measured once for all who ask, at a good moment, and again where it failed")
    func measurement() async {
        let (counter, now) = (Count(), Count())
        let figure = LazyMeasurement<Int>(
            clock: NodeClock(now: { .seconds(now.value.withLock { $0 }) }, date: { Date() })
        ) {
            await Task.yield()
            let count = counter.next()
            return count == 1 ? nil : count
        }
        #expect(await figure.value(mayBegin: false) == nil && counter.value.withLock { $0 } == 0)
        #expect(await figure.value(mayBegin: true) == nil)
        #expect(await figure.value(mayBegin: true) == nil, "not again at once")
        now.value.withLock { $0 += 60 }
        let figures = await withTaskGroup(of: Int?.self) { group in
            for _ in 0..<20 { group.addTask { await figure.value(mayBegin: true) } }
            return await group.reduce(into: Set()) { $0.insert($1) }
        }
        #expect(figures == [2])
        #expect(await figure.value(mayBegin: false) == 2)
    }

    private final class Count: Sendable {
        let value = Mutex(0)

        func next() -> Int {
            value.withLock {
                $0 += 1
                return $0
            }
        }
    }
}
