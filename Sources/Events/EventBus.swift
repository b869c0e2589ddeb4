import Synchronization

/// Hands every event of this node to whoever listens, and remembers the latest ones.
///
/// Publishing never waits: a listener that falls behind by more than ``bufferedEventCount`` events loses the oldest.
package final class EventBus: Sendable {
    /// Events that the history keeps, and that wait for one slow listener.
    package static let bufferedEventCount = 256

    private struct State {
        var history: [NodeEvent] = []
        var listeners: [Int: AsyncStream<NodeEvent>.Continuation] = [:]
        var nextListener = 0
        var finished = false
    }

    private let state = Mutex(State())

    package init() {}

    /// The latest events, oldest first.
    package var history: [NodeEvent] {
        state.withLock { $0.history }
    }

    /// Remembers the event and hands it to every listener.
    package func publish(_ event: NodeEvent) {
        state.withLock { state in
            guard !state.finished else { return }
            if state.history.count == Self.bufferedEventCount { state.history.removeFirst() }
            state.history.append(event)
            for listener in state.listeners.values { listener.yield(event) }
        }
    }

    /// The events from now on, after those of the history if wanted; none is lost or doubled in between.
    ///
    /// The stream ends with ``finish()``; ending the iteration stops listening.
    package func events(replayingHistory: Bool = false) -> AsyncStream<NodeEvent> {
        let (stream, continuation) = AsyncStream.makeStream(
            of: NodeEvent.self, bufferingPolicy: .bufferingNewest(Self.bufferedEventCount)
        )
        let identifier: Int? = state.withLock { state in
            if replayingHistory {
                for event in state.history { continuation.yield(event) }
            }
            guard !state.finished else { return nil }
            state.nextListener += 1
            state.listeners[state.nextListener] = continuation
            return state.nextListener
        }
        guard let identifier else {
            continuation.finish()
            return stream
        }
        continuation.onTermination = { [weak self] _ in
            self?.state.withLock { state in _ = state.listeners.removeValue(forKey: identifier) }
        }
        return stream
    }

    /// Ends every stream, now and later: the node stops.
    package func finish() {
        let listeners = state.withLock { state in
            state.finished = true
            defer { state.listeners = [:] }
            return Array(state.listeners.values)
        }
        for listener in listeners { listener.finish() }
    }
}
