/// Says what a command waits for when the node asks the hub and the answer is long in coming.
enum HubWait {
    /// How long people wait without wondering.
    private static let patience: Duration = .seconds(2)

    static func noting<Result: Sendable>(
        _ doing: String, _ body: () async throws -> Result
    ) async throws -> Result {
        let note = Task {
            guard (try? await Task.sleep(for: patience)) != nil else { return }
            Terminal.errorLine(
                "\(doing): waiting for huggingface.co, or what HF_ENDPOINT of the node names; it tries again for a while when that does "
                    + "not answer. Ctrl-C ends this.")
        }
        defer { note.cancel() }
        return try await body()
    }
}
