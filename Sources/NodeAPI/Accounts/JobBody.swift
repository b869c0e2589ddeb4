/// A training job.
package struct JobBody: Codable, Sendable, Hashable {
    package var id: String
    package var state: String
    /// From 0 to 1.
    package var progress: Double
    package var message: String
    package var outputModel: String
    package var description: String
    package var trainPath: String
    @Nullable package var userId: Int?
    package var tokensReserved: Int
    package var tokensUsed: Int
    package var createdAt: String
    @Nullable package var startedAt: String?
    @Nullable package var finishedAt: String?
    /// For administrators.
    package var outputDir: Nullable<String>?

    package init(
        id: String, state: String, progress: Double, message: String, outputModel: String, description: String,
        trainPath: String, userId: Int?, tokensReserved: Int, tokensUsed: Int, createdAt: String,
        startedAt: String?, finishedAt: String?, outputDir: Nullable<String>? = nil
    ) {
        self.id = id
        self.state = state
        self.progress = progress
        self.message = message
        self.outputModel = outputModel
        self.description = description
        self.trainPath = trainPath
        self.userId = userId
        self.tokensReserved = tokensReserved
        self.tokensUsed = tokensUsed
        self.createdAt = createdAt
        self.startedAt = startedAt
        self.finishedAt = finishedAt
        self.outputDir = outputDir
    }

    package var hasEnded: Bool { ["succeeded", "failed", "cancelled"].contains(state) }
}

/// `GET /admin/api/jobs`.
package struct JobListBody: Codable, Sendable, Hashable {
    package var jobs: [JobBody]
    @Nullable package var next: String?

    package init(
        jobs: [JobBody], next: String?
    ) {
        self.jobs = jobs
        self.next = next
    }
}

/// `POST /admin/api/train`, when it is done.
package struct TrainedBody: Codable, Sendable, Hashable {
    package var message = "Training completed"
    package var tokensUsed: Int
    package var remainingTokens: Int

    package init(
        tokensUsed: Int, remainingTokens: Int
    ) {
        self.tokensUsed = tokensUsed
        self.remainingTokens = remainingTokens
    }
}
