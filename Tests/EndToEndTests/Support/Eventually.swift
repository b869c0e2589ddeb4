/// What did not come true in time.
struct DeadlineExceeded: Error, CustomStringConvertible {
    let description: String
}

/// Asks again and again until `condition` answers something, at most until the deadline.
///
/// - Throws: `DeadlineExceeded`, with the last error that `condition` threw.
func eventually<Value>(
    _ what: String, within limit: Duration = .seconds(20), every interval: Duration = .milliseconds(20),
    _ condition: () async throws -> Value?
) async throws -> Value {
    let deadline = ContinuousClock.now + limit
    var last: (any Error)?
    repeat {
        do {
            if let value = try await condition() { return value }
            last = nil
        } catch let error as CancellationError {
            throw error
        } catch {
            last = error
        }
        try await Task.sleep(for: interval)
    } while ContinuousClock.now < deadline
    throw DeadlineExceeded(description: "\(what): not within \(limit)" + (last.map { " (\($0))" } ?? ""))
}
