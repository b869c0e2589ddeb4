/// What a window's thread is at, from when it begins until it is done.
package struct ComputeStep: Sendable {
    package enum Kind: Sendable, Equatable {
        /// Rows of a batch go through the layers.
        case layers(rows: Int)
        /// A session's grammar is read, or looks for the next token.
        case grammar
        case embedding
    }

    package let kind: Kind
    /// Tells a step from the one before it.
    package let number: UInt64
    package let since: ContinuousClock.Instant
    /// The session that it is done for, where it is one alone.
    package let session: SessionID?
    /// Tells that session why it ends. May be called on any thread.
    package let fail: (@Sendable (EngineError) -> Void)?
}

/// What a window's thread says of itself to those who watch it.
package struct ComputeThread: Sendable {
    /// As `shoal_thread_computes` gave it; 0 before the thread runs.
    package var number: Int32 = 0
    /// Seconds of processor time that the thread has taken; nil before it runs, and where the system does not say.
    package var processorSeconds: Double?
}
