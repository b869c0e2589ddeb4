import Generation
import Hummingbird
import Inference
import NIOCore
import Synchronization

/// An answer on its way to the client while it is still being generated.
///
/// The generations run in a task of their own that renders each event into a buffer; the writer takes whatever is there in one
/// piece, so that a slow client costs fewer and larger writes and not a queue of small ones. The task ends when the generations
/// do, when the client goes away, when the node stops, or when the answer is dropped.
final class StreamedAnswer: Sendable {
    private let shared: Shared
    private let task: Task<Void, Never>

    /// Starts the generations.
    ///
    /// - Parameters:
    ///   - shown: what the client is told of an error.
    ///   - generate: begins the generation of one choice.
    ///   - watch: runs the whole for as long as the client is there.
    init(
        choices: Int, renderer: any AnswerRenderer, shown: @escaping @Sendable (any Error) -> APIError,
        generate: @escaping @Sendable (_ choice: Int) async throws -> GenerationStream,
        watch: @escaping @Sendable (_ operation: @escaping @Sendable () async throws -> Void) async throws -> Void
    ) {
        let shared = Shared(choices: choices, renderer: renderer)
        self.shared = shared
        task = Task {
            do {
                try await watch {
                    try await withThrowingTaskGroup(of: Void.self) { group in
                        for choice in 0..<choices {
                            group.addTask {
                                for try await event in try await generate(choice) {
                                    await shared.add(event, choice: choice)
                                }
                            }
                        }
                        try await group.waitForAll()
                    }
                }
                shared.finish(failure: nil)
            } catch {
                shared.finish(failure: shown(error))
            }
        }
    }

    deinit { task.cancel() }

    /// Waits until the first choice has started, and returns how.
    ///
    /// - Throws: what ended the generations before any has started.
    func start() async throws -> GenerationStart {
        var signals = shared.signals.makeAsyncIterator()
        while true {
            if let start = try shared.start() { return start }
            guard await signals.next() != nil else { throw CancellationError() }
        }
    }

    /// Writes the answer as it comes, to its end.
    func write(to writer: inout any ResponseBodyWriter) async throws {
        defer { task.cancel() }
        var signals = shared.signals.makeAsyncIterator()
        while true {
            let (bytes, isLast) = shared.take()
            if bytes.readableBytes > 0 { try await writer.write(bytes) }
            if isLast { return }
            guard await signals.next() != nil else { throw CancellationError() }
        }
    }
}

extension StreamedAnswer {
    /// What the generating task and the writing one share.
    private final class Shared: Sendable {
        /// Past this many unread bytes generation waits for the client.
        private static let highWaterBytes = 1 << 20

        private struct State {
            var renderer: any AnswerRenderer
            var text = JSONText()
            var start: GenerationStart?
            var failure: APIError?
            var isFinished = false
            var drained: CheckedContinuation<Void, Never>?
        }

        private let state: Mutex<State>
        /// One element, at most, says that something is new.
        let signals: AsyncStream<Void>
        private let signal: AsyncStream<Void>.Continuation

        init(choices: Int, renderer: any AnswerRenderer) {
            state = Mutex(State(renderer: renderer))
            (signals, signal) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
        }

        func add(_ event: GenerationEvent, choice: Int) async {
            let isFull = state.withLock { state in
                if case .started(let start) = event, state.start == nil { state.start = start }
                state.renderer.render(event, choice: choice, into: &state.text)
                return state.text.buffer.readableBytes > Self.highWaterBytes
            }
            signal.yield()
            if isFull { await waitUntilDrained() }
        }

        func finish(failure: APIError?) {
            state.withLock { state in
                state.failure = failure
                state.isFinished = true
                if let failure {
                    state.renderer.renderFailure(failure, into: &state.text)
                } else {
                    state.renderer.renderEnd(into: &state.text)
                }
            }
            signal.yield()
        }

        func start() throws -> GenerationStart? {
            try state.withLock { state in
                if let start = state.start { return start }
                if let failure = state.failure { throw failure }
                if state.isFinished { throw CancellationError() }
                return nil
            }
        }

        /// Everything that was rendered since the last time, and whether nothing more will come.
        func take() -> (ByteBuffer, isLast: Bool) {
            let (bytes, isLast, drained) = state.withLock { state in
                let bytes = state.text.buffer
                state.text = JSONText()
                defer { state.drained = nil }
                return (bytes, state.isFinished, state.drained)
            }
            drained?.resume()
            return (bytes, isLast)
        }

        /// Several choices may wait; all but the first just go on, as the bound need not be exact.
        private func waitUntilDrained() async {
            await withTaskCancellationHandler {
                await withCheckedContinuation { continuation in
                    let mayGoOn = state.withLock { state in
                        guard !Task.isCancelled, state.drained == nil,
                            state.text.buffer.readableBytes > Self.highWaterBytes
                        else { return true }
                        state.drained = continuation
                        return false
                    }
                    if mayGoOn { continuation.resume() }
                }
            } onCancel: {
                let drained = state.withLock { state in
                    defer { state.drained = nil }
                    return state.drained
                }
                drained?.resume()
            }
        }
    }
}
