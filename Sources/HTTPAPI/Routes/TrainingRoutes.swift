import Accounts
import HTTPTypes
import Hummingbird
import JSON
import Jobs
import NIOCore
import NodeAPI

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// `/admin/api/train` and `/admin/api/jobs*`: training, and what became of it.
struct TrainingRoutes: RouteGroup {
    static let family = APIFamily.cluster

    let training: TrainingOperations
    let ledger: TokenLedger
    let configuration: HTTPAPIConfiguration

    func add(to table: inout RouteTable) {
        table.post("/admin/api/train", .user, handler: train)
        table.get("/admin/api/jobs", .user, handler: list)
        table.get("/admin/api/jobs/{id}", .user, handler: show)
        table.post("/admin/api/jobs/{id}/cancel", .user, handler: cancel)
        table.get("/admin/api/jobs/{id}/log", .user, handler: log)
    }

    // MARK: Training

    /// Answers when training is done, or earlier with the job where the client prefers that or the time is up. A client that goes
    /// away ends nothing.
    @Sendable private func train(_ request: Request, context: APIRequestContext) async throws -> Response {
        let owner = try context.jobOwner()
        let preference = Preference(request.headers)
        let key = try request.idempotencyKey()
        var fields = try RequestFields(try await request.json(limitBytes: configuration.bodyLimitBytes))
        let path = try fields.requiredString("train_path")
        let wanted = try TrainingRequest(
            outputModel: try fields.string("output_model"), description: try fields.string("description"), path: path)
        try fields.refuseUnread()
        let submitted = try await training.submit(wanted, owner, key, context.actor)
        let limit = preference.wait ?? (preference.respondsAsync ? .zero : configuration.requestTimeout)
        let job = try await end(of: submitted, within: limit, for: owner, context)
        switch job.state {
        case .succeeded:
            var response = try Response.json(
                encoding: TrainedBody(
                    tokensUsed: Int(job.tokensUsed), remainingTokens: Int(try await balance(of: owner))))
            response.headers[.location] = job.path
            return response
        case .queued, .running:
            var response = try Response.json(encoding: JobBody(job, for: owner), status: .accepted)
            response.headers[.location] = job.path
            if preference.respondsAsync { response.headers[.preferenceApplied] = "respond-async" }
            return response
        case .failed, .cancelled: throw APIError(ended: job)
        }
    }

    /// The job when it has ended, or as it is when the time is up.
    private func end(
        of job: TrainingJob, within limit: Duration?, for owner: JobOwner, _ context: APIRequestContext
    ) async throws -> TrainingJob {
        if job.state.hasEnded || limit == .zero { return job }
        return try await withClientPresent(
            try await context.clientConnection(), timeout: nil, shutdownGracePeriod: .zero
        ) { [training] in
            try await withThrowingTaskGroup(of: TrainingJob?.self) { group in
                defer { group.cancelAll() }
                group.addTask { try await training.wait(job.id, owner) }
                if let limit {
                    group.addTask {
                        try await training.sleep(limit)
                        return nil
                    }
                }
                if let ended = try await group.next() ?? nil { return ended }
                return try await training.job(job.id, owner)
            }
        }
    }

    /// The holder of the node's key has no balance.
    private func balance(of owner: JobOwner) async throws -> Int64 {
        guard let user = owner.user else { return 0 }
        return try await ledger.balance(of: user)
    }

    // MARK: Jobs

    @Sendable private func list(_ request: Request, context: APIRequestContext) async throws -> Response {
        let owner = try context.jobOwner()
        var query = try QueryFields(request)
        let limit = try query.pageLimit() ?? .standard
        let after = try query.string("after")
        try query.refuseUnread()
        let mark = try after.map { text throws(APIError) in
            guard let id = JobID(text) else {
                throw .invalidRequest("after is the id of a job of the list", parameter: "after")
            }
            return id
        }
        let page = try await training.jobs(owner, mark, limit)
        return try .json(
            encoding: JobListBody(jobs: page.jobs.map { JobBody($0, for: owner) }, next: page.next?.description))
    }

    @Sendable private func show(_ request: Request, context: APIRequestContext) async throws -> Response {
        let owner = try context.jobOwner()
        return try .json(encoding: JobBody(await training.job(try context.jobID(), owner), for: owner))
    }

    @Sendable private func cancel(_ request: Request, context: APIRequestContext) async throws -> Response {
        let owner = try context.jobOwner()
        return try .json(
            encoding: JobBody(await training.cancel(try context.jobID(), owner, context.actor), for: owner))
    }

    @Sendable private func log(_ request: Request, context: APIRequestContext) async throws -> Response {
        let log = try await training.log(try context.jobID(), try context.jobOwner())
        return Response(
            status: .ok, headers: [.contentType: "text/plain; charset=utf-8", .cacheControl: "no-store"],
            body: .init(byteBuffer: ByteBuffer(bytes: log)))
    }
}

extension APIRequestContext {
    /// Whose jobs the caller's are.
    fileprivate func jobOwner() throws(APIError) -> JobOwner {
        switch caller {
        case .nobody, .loopback: throw .unauthorized()
        case .nodeKey: .nodeKey
        case .user(let principal, _): JobOwner(principal)
        }
    }

    /// The part of the path that names a job.
    ///
    /// - Throws: 404 where no job can have it.
    fileprivate func jobID() throws(APIError) -> JobID {
        let text = try pathParameter("id")
        guard let id = JobID(text) else { throw .notFound("there is no job \(text.prefix(64))", parameter: "id") }
        return id
    }
}

extension APIError {
    /// Why a training that ended without a result has none: 409 where somebody cancelled it, 422 where what was asked for came to
    /// nothing. What the trainer said about it is in the job and its log.
    fileprivate init(ended job: TrainingJob) {
        let back = job.tokens.rawValue > 0 ? "; \(job.tokens) tokens were given back" : ""
        let (status, end): (HTTPResponse.Status, String) =
            job.state == .cancelled
            ? (.conflict, "was cancelled") : (.unprocessableContent, "failed, \(job.path)/log may say why")
        self.init(status: status, type: "invalid_request_error", message: "the training \(end)\(back)")
        headers[.location] = job.path
    }
}

extension TrainingJob {
    fileprivate var path: String { "/admin/api/jobs/\(id)" }
}

extension JobBody {
    /// Where on this machine its result is, only administrators need to know.
    fileprivate init(_ job: TrainingJob, for viewer: JobOwner) {
        self.init(
            id: job.id.description, state: job.state.rawValue, progress: job.progress, message: job.message,
            outputModel: job.request.outputModel, description: job.request.description, trainPath: job.request.path,
            userId: job.user.map { Int($0.rawValue) }, tokensReserved: Int(job.tokens.rawValue),
            tokensUsed: Int(job.tokensUsed), createdAt: job.created.formatted(.iso8601),
            startedAt: job.started?.formatted(.iso8601), finishedAt: job.ended?.formatted(.iso8601),
            outputDir: viewer.isAdministrator ? Nullable(wrappedValue: job.outputFolder) : nil)
    }
}
