/// The events of one generation as they happen.
///
/// Ending the iteration, cancelling the iterating task, or dropping the stream ends the generation and frees its
/// session in every segment. It can be iterated once.
package struct GenerationStream: AsyncSequence, Sendable {
    package typealias Element = GenerationEvent
    package typealias Failure = any Error

    private let events: AsyncThrowingStream<GenerationEvent, any Error>

    /// Makes a stream of what `events` yields; whoever makes it ends the work when that stream is terminated.
    package init(_ events: AsyncThrowingStream<GenerationEvent, any Error>) {
        self.events = events
    }

    package struct AsyncIterator: AsyncIteratorProtocol {
        private var base: AsyncThrowingStream<GenerationEvent, any Error>.AsyncIterator

        fileprivate init(_ base: AsyncThrowingStream<GenerationEvent, any Error>.AsyncIterator) { self.base = base }

        package mutating func next() async throws -> GenerationEvent? { try await base.next() }

        package mutating func next(
            isolation actor: isolated (any Actor)?
        ) async throws(any Error) -> GenerationEvent? {
            try await base.next(isolation: actor)
        }
    }

    package func makeAsyncIterator() -> AsyncIterator { AsyncIterator(events.makeAsyncIterator()) }
}
