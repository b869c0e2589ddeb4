package import Accounts
package import Files
package import Jobs

/// Training jobs, for those who may see them.
package struct TrainingOperations: Sendable {
    /// Takes a job; throws `JobError`, `FileError` and `AccountError`.
    package var submit:
        @Sendable (_ request: TrainingRequest, _ owner: JobOwner, _ key: IdempotencyKey?, _ actor: AuditActor)
            async throws -> TrainingJob
    /// Waits until a job has ended.
    package var wait: @Sendable (_ id: JobID, _ viewer: JobOwner) async throws -> TrainingJob
    package var job: @Sendable (_ id: JobID, _ viewer: JobOwner) async throws -> TrainingJob
    package var jobs: @Sendable (_ viewer: JobOwner, _ after: JobID?, _ limit: PageLimit) async throws -> JobPage
    /// Cancels a job; the job when it has ended.
    package var cancel: @Sendable (_ id: JobID, _ viewer: JobOwner, _ actor: AuditActor) async throws -> TrainingJob
    package var log: @Sendable (_ id: JobID, _ viewer: JobOwner) async throws -> [UInt8]
    /// Lets the time pass that a client wants to wait.
    var sleep: @Sendable (_ time: Duration) async throws -> Void = { try await Task.sleep(for: $0) }

    package init(
        submit:
            @escaping @Sendable (
                _ request: TrainingRequest, _ owner: JobOwner, _ key: IdempotencyKey?, _ actor: AuditActor
            ) async throws -> TrainingJob,
        wait: @escaping @Sendable (_ id: JobID, _ viewer: JobOwner) async throws -> TrainingJob,
        job: @escaping @Sendable (_ id: JobID, _ viewer: JobOwner) async throws -> TrainingJob,
        jobs: @escaping @Sendable (_ viewer: JobOwner, _ after: JobID?, _ limit: PageLimit) async throws -> JobPage,
        cancel: @escaping @Sendable (_ id: JobID, _ viewer: JobOwner, _ actor: AuditActor) async throws -> TrainingJob,
        log: @escaping @Sendable (_ id: JobID, _ viewer: JobOwner) async throws -> [UInt8]
    ) {
        self.submit = submit
        self.wait = wait
        self.job = job
        self.jobs = jobs
        self.cancel = cancel
        self.log = log
    }
}

/// The files that administrators see, and trainings are about.
package struct FileOperations: Sendable {
    /// Lists a folder; throws `FileError`.
    package var list: @Sendable (_ path: String, _ after: String?, _ limit: Int) async throws -> FilePage

    package init(list: @escaping @Sendable (_ path: String, _ after: String?, _ limit: Int) async throws -> FilePage) {
        self.list = list
    }
}
