import GRPCCore
import NIOCore
import Synchronization

/// Writes one answer, no faster than it is taken.
final class ShardWriter: RPCWriterProtocol {
    typealias Element = ShardChunk

    /// What may be on its way out before more is written.
    private static let bytesInFlight = 1 << 20

    private struct State {
        var inFlight = 0
        var failure: (any Error)?
        var waiter: CheckedContinuation<Void, any Error>?
    }

    private let state = Mutex(State())
    private let send: @Sendable (ShardChunk, ShardWriter) -> Void

    /// - Parameter send: writes a chunk, and calls ``sent(_:)`` or ``end(_:)`` then.
    init(send: @escaping @Sendable (ShardChunk, ShardWriter) -> Void) {
        self.send = send
    }

    func write(_ chunk: ShardChunk) async throws {
        try await room()
        state.withLock { $0.inFlight += chunk.count }
        send(chunk, self)
    }

    func write(contentsOf chunks: some Sequence<ShardChunk>) async throws {
        for chunk in chunks { try await write(chunk) }
    }

    /// So many bytes are out.
    func sent(_ count: Int) {
        let waiter = state.withLock { state in
            state.inFlight -= count
            return state.inFlight < Self.bytesInFlight ? state.waiter.take() : nil
        }
        waiter?.resume()
    }

    /// Nothing more can be written.
    func end(_ error: any Error) {
        let waiter = state.withLock { state in
            state.failure = state.failure ?? error
            return state.waiter.take()
        }
        waiter?.resume(throwing: error)
    }

    /// Waits until more may be written.
    private func room() async throws {
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { (waiter: CheckedContinuation<Void, any Error>) in
                let outcome: Result<Void, any Error>? = state.withLock { state in
                    if let failure = state.failure { return .failure(failure) }
                    if state.inFlight < Self.bytesInFlight { return .success(()) }
                    state.waiter = waiter
                    return nil
                }
                if let outcome { waiter.resume(with: outcome) }
            }
        } onCancel: {
            end(CancellationError())
        }
    }
}
