import Accounts
import HTTPTypes
import Hummingbird
import Store

/// Records what callers change, and what they are refused.
struct AuditTrail: Sendable {
    let log: AuditLog

    /// Confirms that the caller still is who they proved to be, and records what is done, in the transaction that does it.
    ///
    /// - Parameter tell: what to say of it.
    func note<Change: Sendable>(
        _ action: AuditAction, _ context: APIRequestContext,
        _ tell: @escaping @Sendable (Change) -> (subject: AuditSubject, details: [AuditDetail])
    ) -> ChangeNote<Change> {
        ChangeNote { [log, actor = context.actor] change, database in
            try log.confirm(actor, in: database)
            let (subject, details) = tell(change)
            try log.record(AuditEvent(actor, action, on: subject, details: details), in: database)
        }
    }

    /// Runs `body`, and records where it is refused or fails.
    func recording<Value>(
        _ action: AuditAction, on subject: AuditSubject, _ context: APIRequestContext, _ body: () async throws -> Value
    ) async throws -> Value {
        do {
            return try await body()
        } catch {
            let told = APIError(error, logger: context.logger)
            try await log.record(
                AuditEvent(
                    context.actor, action, on: subject, outcome: told.status.code < 500 ? .refused : .failed,
                    details: [.note("reason", told.message)]))
            throw told
        }
    }
}
