import Testing

@testable import Inference

struct AdmissionGateTests {
    @Test func `as many run as may, and others when a place is free`() async throws {
        let gate = AdmissionGate(limit: 2)
        try await gate.enter()
        try await gate.enter()
        let arrived = AsyncStream.makeStream(of: Void.self)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                try await gate.enter()
                arrived.continuation.yield()
            }
            gate.leave()
            for await _ in arrived.stream { break }
            try await group.waitForAll()
        }
        gate.leave()
        gate.leave()
        // Both places are free again.
        try await gate.enter()
        try await gate.enter()
    }

    @Test func `who is cancelled while waiting leaves the line`() async throws {
        let gate = AdmissionGate(limit: 1)
        try await gate.enter()
        let waiting = Task { try await gate.enter() }
        waiting.cancel()
        await #expect(throws: CancellationError.self) { try await waiting.value }
        gate.leave()
        try await gate.enter()
        gate.leave()
    }

    @Test func `past the end of the line requests are refused`() async throws {
        let gate = AdmissionGate(limit: 1)
        try await gate.enter()
        let results = await withTaskGroup(of: Bool.self) { group in
            for _ in 0..<10 {
                group.addTask {
                    do {
                        try await gate.enter()
                        gate.leave()
                        return true
                    } catch {
                        return false
                    }
                }
            }
            var refused = 0
            // The line has four places: six of ten do not get one.
            while refused < 6, await group.next() == false { refused += 1 }
            gate.leave()
            var served = 0
            for await result in group where result { served += 1 }
            return (refused, served)
        }
        #expect(results == (6, 4))
    }
}
