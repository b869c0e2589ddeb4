import Synchronization
import UnixSignals

/// Ctrl-C as something that stops what runs at the moment instead of the process, for as long as it is listened to.
final class Interrupts: Sendable {
    private let stop = Mutex<(@Sendable () -> Void)?>(nil)
    private let listening = Mutex<Task<Void, Never>?>(nil)

    /// Listens from when it returns.
    init() async {
        // Before anybody else puts aside, and back, what the signal does.
        let signals = await UnixSignalsSequence(trapping: .sigint)
        let task = Task { [weak self] in
            for await _ in signals { self?.interrupt() }
        }
        listening.withLock { $0 = task }
    }

    /// Lets Ctrl-C end the process again.
    func end() { listening.withLock { $0 }?.cancel() }

    /// Runs `body`, which an interrupt cancels.
    ///
    /// - Throws: what `body` throws.
    func stopping<Result: Sendable>(_ body: @escaping @Sendable () async throws -> Result) async throws -> Result {
        let running = Task { try await body() }
        stop.withLock { $0 = { running.cancel() } }
        defer { stop.withLock { $0 = nil } }
        return try await running.value
    }

    private func interrupt() {
        stop.withLock { $0 }?()
    }
}
