import Adapters
import Foundation
import Synchronization
import Testing

@Suite("Checks of files that somebody sent")
struct FileCheckTests {
    private final class Gate: Sendable {
        let count = Mutex((now: 0, most: 0))
        let begun = DispatchSemaphore(value: 0)
        let opened = DispatchSemaphore(value: 0)
    }

    @Test("However many checks wait, two run at once and tasks go on beside them", .timeLimit(.minutes(1)))
    func apart() async throws {
        let gate = Gate()
        let checks = (0..<12).map { number in
            Task {
                try await FileCheck.run { _ in
                    gate.count.withLock { $0 = ($0.now + 1, max($0.most, $0.now + 1)) }
                    gate.begun.signal()
                    gate.opened.wait()
                    gate.count.withLock { $0.now -= 1 }
                    return number
                }
            }
        }
        // On a thread of its own, since this one is a task's.
        await withCheckedContinuation { continuation in
            Thread.detachNewThread {
                for _ in 0..<FileCheck.threads { gate.begun.wait() }
                continuation.resume()
            }
        }
        // All of the checks that run are blocked; tasks are not.
        let sum = await withTaskGroup(of: Int.self) { group in
            for number in 0..<100 { group.addTask { number } }
            return await group.reduce(0, +)
        }
        #expect(sum == 4950)
        for _ in checks { gate.opened.signal() }
        var numbers: [Int] = []
        for check in checks { numbers.append(try await check.value) }
        #expect(numbers == Array(0..<12))
        #expect(gate.count.withLock { $0.most } == FileCheck.threads)
    }

    @Test("A check ends after its time, and when its task is cancelled", .timeLimit(.minutes(1)))
    func ends() async throws {
        #expect(
            await code {
                _ = try await FileCheck.run(seconds: 0.01) { check in while true { try check.goOn() } }
            } == .badContent)
        let begun = AsyncStream<Void>.makeStream()
        let endless = Task {
            try await FileCheck.run { check in
                begun.continuation.finish()
                while true { try check.goOn() }
            }
        }
        for await _ in begun.stream {}
        endless.cancel()
        await #expect(throws: CancellationError.self) { try await endless.value }
    }

    @Test(
        "A small checkpoint that would take hours to read is refused, however many come at once",
        .timeLimit(.minutes(2)))
    func costly() async throws {
        // One dictionary of 50,000 items as the state of an object, 12,000 times.
        func text(_ text: String) -> [UInt8] { [0x58, UInt8(text.utf8.count), 0, 0, 0] + Array(text.utf8) }
        func repeated(_ count: Int, _ bytes: [UInt8]) -> [UInt8] { Array(repeatElement(bytes, count: count).joined()) }
        let proto: [UInt8] = [0x80, 2]
        var bytes = TorchBytes.beginning
        bytes += proto + Array("ccollections\nOrderedDict\n)Rq\0".utf8) + text("a")
        bytes += Array("q\u{1}0}q\u{2}(".utf8) + repeated(50_000, Array("h\u{1}N".utf8)) + Array("u0".utf8)
        bytes += repeated(12_000, Array("h\0h\u{2}b0".utf8)) + Array("}.".utf8) + proto + Array("].".utf8)
        let bomb = bytes
        try await withLoRAs { fixture in
            let library = try fixture.open()
            let codes = await withTaskGroup(of: AdapterError.Code?.self) { group in
                for _ in 0..<6 { group.addTask { await code { try await library.add(bomb, as: "bomb.pt") } } }
                return await group.reduce(into: []) { $0.append($1) }
            }
            #expect(codes == Array(repeating: .badContent, count: 6))
            #expect(try fixture.names("models/loras/.incoming").isEmpty)
        }
    }
}
