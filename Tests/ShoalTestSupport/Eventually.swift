package import Testing

/// Waits until a condition holds; records an issue where it does not in time.
package func eventually(
    within limit: Duration = .seconds(30), _ what: Comment = "what was waited for happens",
    sourceLocation: SourceLocation = #_sourceLocation, _ condition: () async throws -> Bool
) async throws {
    let deadline = ContinuousClock.now + limit
    while try await !condition() {
        guard ContinuousClock.now < deadline else {
            Issue.record(what, sourceLocation: sourceLocation)
            return
        }
        try await Task.sleep(for: .milliseconds(10))
    }
}
