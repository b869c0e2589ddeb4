import Synchronization

/// The tasks of the generations under way: they end with their consumers, and all with the service.
final class GenerationTasks: Sendable {
    private struct State {
        var tasks: [UInt64: Task<Void, Never>] = [:]
        var next: UInt64 = 0
        var isClosed = false
    }

    private let state = Mutex(State())

    /// Starts a task; nil when the service has ended.
    ///
    /// - Returns: A closure that cancels it.
    func start(_ body: @escaping @Sendable () async -> Void) -> (@Sendable () -> Void)? {
        state.withLock { state in
            guard !state.isClosed else { return nil }
            state.next += 1
            let number = state.next
            let task = Task {
                await body()
                self.ended(number)
            }
            state.tasks[number] = task
            return { task.cancel() }
        }
    }

    private func ended(_ number: UInt64) {
        _ = state.withLock { $0.tasks.removeValue(forKey: number) }
    }

    /// Takes no more.
    func close() {
        state.withLock { $0.isClosed = true }
    }

    /// Cancels all tasks, and returns when they have ended.
    func cancelAll() async {
        let tasks = state.withLock { state in
            state.isClosed = true
            return Array(state.tasks.values)
        }
        for task in tasks { task.cancel() }
        for task in tasks { await task.value }
    }
}
