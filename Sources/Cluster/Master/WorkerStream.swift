import GRPCCore
import Link
import Synchronization

/// What is to be said to one worker, until its stream ends.
final class WorkerStream: Sendable {
    enum Ending: Sendable {
        /// The worker closed the stream, or its connection broke.
        case closed
        /// It was not heard of for too long.
        case lost
        /// It called anew.
        case replaced
        case revoked
        /// It broke the rules.
        case violation
        /// The master stops.
        case stopping

        /// What the worker is told, if anything.
        var error: RPCError? {
            switch self {
            case .closed: nil
            case .lost: RPCError(code: .deadlineExceeded, message: "the worker was not heard of for too long")
            case .replaced: RPCError(code: .aborted, message: "the same node has called anew")
            case .revoked: .revoked
            case .violation: RPCError(code: .invalidArgument, message: "the worker broke the rules")
            case .stopping: RPCError(code: .unavailable, message: "the master stops")
            }
        }
    }

    /// More than a worker can have open at once: one that reads nothing is given up.
    private static let capacity = 4096

    private let ended = Mutex<Ending?>(nil)
    private let messages: AsyncStream<Shoal_V1_MasterMessage>
    private let continuation: AsyncStream<Shoal_V1_MasterMessage>.Continuation

    init() {
        (messages, continuation) = AsyncStream.makeStream(bufferingPolicy: .bufferingOldest(Self.capacity))
    }

    var ending: Ending? { ended.withLock { $0 } }

    func post(_ message: Shoal_V1_MasterMessage) {
        if case .dropped = continuation.yield(message) { end(.violation) }
    }

    /// The first ending counts.
    func end(_ ending: Ending) {
        ended.withLock { $0 = $0 ?? ending }
        continuation.finish()
    }

    /// Writes what is posted, and returns when the stream is to end.
    func write(to writer: RPCWriter<Shoal_V1_MasterMessage>) async throws {
        for await message in messages {
            // What waited when the end came is not said any more.
            guard ending == nil else { return }
            try await writer.write(message)
        }
    }
}

extension RPCError {
    /// The token is good no more.
    static var revoked: RPCError {
        RPCError(
            code: .permissionDenied, message: "this cluster token was revoked: ask the master's operator for another")
    }
}
