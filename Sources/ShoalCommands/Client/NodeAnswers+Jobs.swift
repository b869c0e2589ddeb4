/// One of `GET /admin/api/jobs`, as far as the command line shows it.
struct JobSummary: Decodable, Sendable {
    var id: String
    var state: String
    var progress: Double
    var message: String
    var outputModel: String
    var trainPath: String
    var tokensReserved: Int
    var tokensUsed: Int
    var createdAt: String
    /// For administrators, of a job that succeeded.
    var outputDir: String?

    var hasEnded: Bool { ["succeeded", "failed", "cancelled"].contains(state) }
}

/// `GET /admin/api/jobs`.
struct JobList: Decodable, Sendable {
    var jobs: [JobSummary]
    var next: String?
}

extension JobSummary: ListRow {
    static let headers = ["JOB", "RESULT", "DATA", "STATE", "DONE", "SINCE", "MESSAGE"]
    static let rightAligned: Set<Int> = [4]

    var listName: String { id }

    var cells: [String] {
        [
            id, outputModel, trainPath, state, "\(Int((progress * 100).rounded(.down))) %",
            String(createdAt.prefix(16)).replacing("T", with: " "),
            message.count > 60 ? String(message.prefix(59)) + "…" : message,
        ]
    }
}
