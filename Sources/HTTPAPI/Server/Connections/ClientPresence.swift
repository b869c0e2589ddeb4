import ServiceLifecycle

/// Runs `operation` for as long as somebody waits for its answer.
///
/// The operation is cancelled when the client closes its connection, when the time is up, or when the node's graceful shutdown has
/// lasted for the grace period.
///
/// - Throws: what the operation throws; `CancellationError` when the client is gone; 504 past `timeout`; 503 when the node stops.
func withClientPresent<Value: Sendable>(
    _ connection: ClientConnection, timeout: Duration?, shutdownGracePeriod: Duration,
    operation: @escaping @Sendable () async throws -> Value
) async throws -> Value {
    try await withThrowingTaskGroup(of: Value.self) { group in
        defer { group.cancelAll() }
        group.addTask { try await operation() }
        group.addTask {
            await connection.closed()
            throw CancellationError()
        }
        group.addTask {
            try await gracefulShutdown()
            try await Task.sleep(for: shutdownGracePeriod)
            throw APIError.unavailable("the node is stopping", hint: "Ask another node, or again when it is back.")
        }
        if let timeout {
            group.addTask {
                try await Task.sleep(for: timeout)
                throw APIError.timedOut(
                    "the answer took longer than \(timeout.formattedSeconds) s",
                    hint: "Ask for fewer tokens, or stream the answer: streams have no such limit.")
            }
        }
        guard let value = try await group.next() else { throw CancellationError() }
        return value
    }
}

extension Duration {
    /// Whole seconds, for messages.
    fileprivate var formattedSeconds: String { "\(Int((self / .seconds(1)).rounded()))" }
}
