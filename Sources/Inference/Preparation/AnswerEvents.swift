import Generation
import Synchronization

/// Events of a generation on their way to who takes them apart: all that have come are taken at once.
final class AnswerEvents: Sendable {
    private struct State {
        var events: [GenerationEvent] = []
        var isFinished = false
    }

    private let state = Mutex(State())
    private let ticks: AsyncStream<Void>
    private let tick: AsyncStream<Void>.Continuation

    init() { (ticks, tick) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1)) }

    func add(_ event: GenerationEvent) {
        state.withLock { $0.events.append(event) }
        tick.yield()
    }

    /// No more come.
    func finish() {
        state.withLock { $0.isFinished = true }
        tick.finish()
    }

    /// What has come since the last call, at least one event; nil at the end. For one reader.
    func next() async -> [GenerationEvent]? {
        var iterator = ticks.makeAsyncIterator()
        while true {
            let events = state.withLock { state in
                defer { state.events.removeAll() }
                return state.events
            }
            if !events.isEmpty { return events }
            guard await iterator.next() != nil else {
                let rest = state.withLock { state in
                    defer { state.events.removeAll() }
                    return state.events
                }
                return rest.isEmpty ? nil : rest
            }
        }
    }
}
