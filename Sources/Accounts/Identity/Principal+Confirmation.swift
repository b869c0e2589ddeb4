internal import GRDB

#if canImport(FoundationEssentials)
    internal import FoundationEssentials
#else
    internal import Foundation
#endif

extension Principal {
    /// Checks that what proved this principal proves it still.
    ///
    /// A request may take long between its head, with which its sender is proven, and what it changes. Whoever was deactivated,
    /// demoted or logged out meanwhile changes nothing any more. That a session or JWT has run out meanwhile does not matter.
    ///
    /// - Throws: `revoked`.
    func confirm(in database: Database) throws {
        guard let row = try UserRow.find(user, database), row.user.isActive, row.user.role == role,
            try proof.holds(for: row, since: generation, in: database)
        else {
            throw AccountError(
                .revoked, "the session or token that this was asked with has been ended meanwhile; log in again")
        }
    }
}

extension Principal.Proof: CustomStringConvertible {
    /// As the audit log says it; no secret.
    package var description: String {
        switch self {
        case .session: "session"
        case .apiToken(let id): "api_token \(id)"
        case .jwt: "jwt"
        }
    }

    fileprivate func holds(for row: UserRow, since generation: Int64, in database: Database) throws -> Bool {
        switch self {
        case .session(let handle):
            return try row.generation == generation
                && Bool.fetchOne(
                    database, sql: "SELECT 1 FROM accountSession WHERE hash = ?", arguments: [Data(handle.hash)])
                    == true
        case .jwt(let handle):
            return try row.generation == generation
                && Bool.fetchOne(database, sql: "SELECT 1 FROM accountEndedJWT WHERE id = ?", arguments: [handle.id])
                    == nil
        case .apiToken(let id):
            // Another password, which counts the generation up, does not end API tokens.
            return try Bool.fetchOne(
                database, sql: "SELECT 1 FROM accountAPIToken WHERE id = ? AND revoked IS NULL",
                arguments: [id.rawValue]) == true
        }
    }
}
