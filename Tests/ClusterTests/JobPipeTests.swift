import ShoalTestSupport
import Synchronization
import Testing

@testable import Cluster

@Suite("The pipe from a worker to a request", .timeLimit(.minutes(1)))
struct JobPipeTests {
    struct Broken: Error {}

    final class Tally: Sendable {
        let sent = Mutex(0)
    }

    @Test("What is sent is received in order, however slow either side is")
    func order() async throws {
        let pipe = JobPipe<Int>(capacity: 3)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                for number in 0..<1000 {
                    if number % 7 == 0 { await Task.yield() }
                    try await pipe.send(number)
                }
                pipe.finish()
            }
            var received: [Int] = []
            while let number = try await pipe.next() {
                if number % 5 == 0 { await Task.yield() }
                received.append(number)
            }
            #expect(received == Array(0..<1000))
            try await group.waitForAll()
        }
    }

    @Test("How long an element has not come is counted while the receiver waits, and begins anew with each")
    func drought() async throws {
        let pipe = JobPipe<Int>()
        #expect(pipe.drought(at: .seconds(0)) == .zero)
        #expect(pipe.drought(at: .seconds(100)) == .zero)
        let reader = Task { while try await pipe.next() != nil {} }
        for element in 1...3 {
            var (now, drought) = (Duration.seconds(element * 100_000), Duration.zero)
            try await eventually {
                now += .seconds(10)
                drought = pipe.drought(at: now)
                return drought > .zero
            }
            #expect(drought == .seconds(10))
            try await pipe.send(element)
        }
        pipe.finish()
        try await reader.value
    }

    @Test("A heavy element waits until there is room for its weight, and one of any weight may wait alone")
    func weight() async throws {
        let pipe = JobPipe<Int>(capacity: 64, weightCapacity: 10) { $0 }
        try await pipe.send(1000)
        let second = Task { try await pipe.send(6) }
        let third = Task {
            try await second.value
            try await pipe.send(6)
        }
        #expect(pipe.count == 1)
        #expect(try await pipe.next() == 1000)
        try await second.value
        #expect(pipe.count == 1)
        #expect(try await pipe.next() == 6)
        try await third.value
        #expect(try await pipe.next() == 6)
    }

    @Test("A full pipe makes the sender wait")
    func backPressure() async throws {
        let pipe = JobPipe<Int>(capacity: 4)
        let tally = Tally()
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                for number in 0..<20 {
                    try await pipe.send(number)
                    tally.sent.withLock { $0 += 1 }
                }
            }
            for expected in 0..<20 {
                #expect(try await pipe.next() == expected)
                // One that waits for room may be on its way in.
                #expect(tally.sent.withLock { $0 } <= expected + 1 + 4 + 1)
            }
            try await group.waitForAll()
        }
    }

    @Test("What was sent before the end is still received, then the end")
    func ending() async throws {
        let pipe = JobPipe<Int>()
        try await pipe.send(1)
        pipe.finish(Broken())
        pipe.finish()
        #expect(try await pipe.next() == 1)
        await #expect(throws: Broken.self) { try await pipe.next() }
        await #expect(throws: CancellationError.self) { try await pipe.send(2) }
    }

    @Test("A receiver that goes ends the sender, wherever it waits")
    func receiverGone() async throws {
        let pipe = JobPipe<Int>(capacity: 1)
        try await pipe.send(1)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                await #expect(throws: CancellationError.self) { try await pipe.send(2) }
            }
            group.addTask { await pipe.waitUntilUnwanted() }
            await Task.yield()
            pipe.cancel()
            try await group.waitForAll()
        }
    }

    @Test("Cancelled tasks wait no more")
    func cancellation() async throws {
        let pipe = JobPipe<Int>(capacity: 1)
        let receiver = Task { try await pipe.next() }
        receiver.cancel()
        await #expect(throws: CancellationError.self) { try await receiver.value }
        try await pipe.send(1)
        let sender = Task { try await pipe.send(2) }
        sender.cancel()
        await #expect(throws: CancellationError.self) { try await sender.value }
        let waiter = Task { await pipe.waitUntilUnwanted() }
        waiter.cancel()
        await waiter.value
    }
}
