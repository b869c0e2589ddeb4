import Synchronization

/// What a worker sends for one job, on its way from the stream that it comes on to the request that it is for.
///
/// One side sends and one receives. It holds little, so that who reads slowly slows the worker down.
final class JobPipe<Element: Sendable>: Sendable {
    private struct State {
        var waiting: [(element: Element, weight: Int)] = []
        /// Of all that wait.
        var weight = 0
        /// Set when nothing more comes.
        var ending: Result<Void, any Error>?
        /// The receiver is gone.
        var isCancelled = false
        var receiver: CheckedContinuation<Void, Never>?
        /// When the receiver was first seen waiting for the element that it waits for.
        var waitingSince: Duration?
        var sender: CheckedContinuation<Void, Never>?
        var cancellationWaiter: CheckedContinuation<Void, Never>?

        /// Everybody who waits for the state to change.
        mutating func takeWaiters() -> [CheckedContinuation<Void, Never>] {
            defer { (receiver, sender, cancellationWaiter) = (nil, nil, nil) }
            return [receiver, sender, cancellationWaiter].compactMap { $0 }
        }
    }

    private let capacity: Int
    private let weightCapacity: Int
    private let weight: @Sendable (Element) -> Int
    private let state = Mutex(State())

    /// - Parameters:
    ///   - capacity: elements that may wait.
    ///   - weightCapacity: what those that wait may weigh together; one of any weight may wait alone.
    init(capacity: Int = 64, weightCapacity: Int = .max, weight: @escaping @Sendable (Element) -> Int = { _ in 0 }) {
        self.capacity = capacity
        self.weightCapacity = weightCapacity
        self.weight = weight
    }

    /// Elements that wait.
    var count: Int { state.withLock { $0.waiting.count } }

    // MARK: - Sending

    /// Puts an element in, as soon as there is room.
    ///
    /// - Throws: `CancellationError` when the receiver is gone or the task is cancelled.
    func send(_ element: Element) async throws {
        let weight = weight(element)
        while true {
            try Task.checkCancellation()
            let isDone = try state.withLock { state in
                guard !state.isCancelled, state.ending == nil else { throw CancellationError() }
                guard hasRoom(state, for: weight) else { return false }
                state.waiting.append((element, weight))
                state.weight += weight
                state.waitingSince = nil
                state.takeWaiters().forEach { $0.resume() }
                return true
            }
            if isDone { return }
            await wait { state, continuation in
                guard !state.isCancelled, state.ending == nil, !hasRoom(state, for: weight) else { return false }
                state.sender = continuation
                return true
            }
        }
    }

    private func hasRoom(_ state: State, for weight: Int) -> Bool {
        state.waiting.isEmpty || (state.waiting.count < capacity && state.weight <= weightCapacity - weight)
    }

    /// Nothing more comes. What is in the pipe is still received; the first ending counts.
    func finish(_ error: (any Error)? = nil) {
        change { state in
            if state.ending == nil { state.ending = error.map { .failure($0) } ?? .success(()) }
        }
    }

    /// Returns when the receiver is gone, or the pipe was finished, or the task is cancelled.
    func waitUntilUnwanted() async {
        while state.withLock({ !$0.isCancelled && $0.ending == nil }), !Task.isCancelled {
            await wait { state, continuation in
                guard !state.isCancelled, state.ending == nil else { return false }
                state.cancellationWaiter = continuation
                return true
            }
        }
    }

    // MARK: - Receiving

    /// The next element; nil when the other side has finished.
    ///
    /// - Throws: what the other side finished with, or `CancellationError`.
    func next() async throws -> Element? {
        while true {
            try Task.checkCancellation()
            let step: Result<Element?, any Error>? = state.withLock { state in
                if state.isCancelled { return .failure(CancellationError()) }
                guard state.waiting.isEmpty else {
                    let (element, weight) = state.waiting.removeFirst()
                    state.weight -= weight
                    state.takeWaiters().forEach { $0.resume() }
                    return .success(element)
                }
                return state.ending.map { ending in ending.map { nil } }
            }
            if let step { return try step.get() }
            await wait { state, continuation in
                guard state.waiting.isEmpty, state.ending == nil, !state.isCancelled else { return false }
                state.receiver = continuation
                return true
            }
        }
    }

    /// How long the receiver has waited for an element that does not come, as far as this was asked before.
    func drought(at now: Duration) -> Duration {
        state.withLock { state in
            guard state.receiver != nil, state.waiting.isEmpty else {
                state.waitingSince = nil
                return .zero
            }
            let since = state.waitingSince ?? now
            state.waitingSince = since
            return now - since
        }
    }

    /// The receiver wants no more.
    func cancel() {
        change { state in
            state.isCancelled = true
            state.waiting = []
            state.weight = 0
        }
    }

    // MARK: -

    private func change(_ body: (inout State) -> Void) {
        let waiters = state.withLock { state in
            body(&state)
            return state.takeWaiters()
        }
        for waiter in waiters { waiter.resume() }
    }

    /// Suspends until anything changes, unless `park` finds that it has already. A cancelled task goes on at once.
    private func wait(_ park: (inout State, CheckedContinuation<Void, Never>) -> Bool) async {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let isParked = state.withLock { state in !Task.isCancelled && park(&state, continuation) }
                if !isParked { continuation.resume() }
            }
        } onCancel: {
            change { _ in }
        }
    }
}
