import Generation
import Testing

@testable import Inference

struct AdmissionGateTests {
    private static let ada = Share(caller: "ada")
    private static let bob = Share(caller: "bob")

    @Test func `as many run as may, and others when a place is free`() async throws {
        let gate = AdmissionGate(limit: 2)
        try await gate.enter(Self.ada, promptTokens: 1)
        try await gate.enter(Self.ada, promptTokens: 1)
        let arrived = AsyncStream.makeStream(of: Void.self)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                try await gate.enter(Self.ada, promptTokens: 1)
                arrived.continuation.yield()
            }
            gate.leave(Self.ada)
            for await _ in arrived.stream { break }
            try await group.waitForAll()
        }
        gate.leave(Self.ada)
        gate.leave(Self.ada)
        // Both places are free again.
        try await gate.enter(Self.ada, promptTokens: 1)
        try await gate.enter(Self.ada, promptTokens: 1)
    }

    @Test func `a caller with much to do leaves places for others, who do not wait`() async throws {
        let gate = AdmissionGate(limit: 32, callerPercent: 75)
        let begun = AsyncStream.makeStream(of: Void.self)
        let waiting = (0..<128).map { _ in
            Task {
                try await gate.enter(Self.ada, promptTokens: 1)
                begun.continuation.yield()
            }
        }
        var count = 0
        for await _ in begun.stream {
            count += 1
            if count == 24 { break }
        }
        for _ in 0..<8 { try await gate.enter(Self.bob, promptTokens: 1) }
        for task in waiting { task.cancel() }
        var admitted = 0
        for task in waiting where await task.result.isSuccess { admitted += 1 }
        #expect(admitted == 24)
    }

    @Test func `who is cancelled while waiting leaves the line`() async throws {
        let gate = AdmissionGate(limit: 1)
        try await gate.enter(Self.ada, promptTokens: 1)
        let waiting = Task { try await gate.enter(Self.ada, promptTokens: 1) }
        waiting.cancel()
        await #expect(throws: CancellationError.self) { try await waiting.value }
        gate.leave(Self.ada)
        try await gate.enter(Self.ada, promptTokens: 1)
        gate.leave(Self.ada)
    }

    @Test func `past the end of a caller's line its requests are refused, and others' are not`() async throws {
        let gate = AdmissionGate(limit: 1)
        try await gate.enter(Self.ada, promptTokens: 1)
        let results = await withTaskGroup(of: InferenceError.Code?.self) { group in
            for _ in 0..<10 {
                group.addTask {
                    do {
                        try await gate.enter(Self.ada, promptTokens: 1)
                        gate.leave(Self.ada)
                        return nil
                    } catch {
                        return (error as? InferenceError)?.code
                    }
                }
            }
            var refused = 0
            // The line has four places: six of ten do not get one.
            while refused < 6, await group.next() == .some(.callerBusy) { refused += 1 }
            group.addTask {
                try? await gate.enter(Self.bob, promptTokens: 1)
                gate.leave(Self.bob)
                return nil
            }
            gate.leave(Self.ada)
            var served = 0
            for await result in group where result == nil { served += 1 }
            return (refused, served)
        }
        #expect(results == (6, 5))
    }
}

extension Result {
    fileprivate var isSuccess: Bool {
        if case .success = self { true } else { false }
    }
}
