internal import Bytes
internal import Crypto
internal import GRDB
package import Store
package import Timing

#if canImport(FoundationEssentials)
    package import FoundationEssentials
#else
    package import Foundation
#endif

/// Bearer values that prove a user for a while: signed with a key of this node's.
///
/// Besides its expiry, a token ends with any change of its user that `Users` says ends it, because it names the user's generation,
/// and with `end`.
package final class JSONWebTokens: Sendable {
    package struct Rules: Sendable, Hashable {
        package var lifetime: Duration = .seconds(12 * 3600)
        /// How far in the future a token may have been issued: the clock may have been set back.
        package var skew: Duration = .seconds(60)

        package init() {}
    }

    let store: Store
    let rules: Rules
    let clock: NodeClock
    private let signer: JSONWebToken

    /// - Parameter keyPath: the file of the private key (32 bytes, mode 0600), made when it does not exist.
    /// - Throws: `unusableKey` where others may read the file, it has another size, or cannot be read or written; `StoreError`.
    package init(store: Store, keyPath: String, rules: Rules = Rules(), clock: NodeClock = .system) throws {
        try AccountSchema.prepare(store)
        self.store = store
        self.rules = rules
        self.clock = clock
        do {
            signer = try JSONWebToken(
                seed: try SecretFile(path: keyPath, byteCount: 32).readOrCreate {
                    Array(Curve25519.Signing.PrivateKey().rawRepresentation)
                })
        } catch let error as ByteError {
            throw AccountError(.unusableKey, error.message, cause: error)
        }
    }

    /// Makes a token for somebody who has just logged in.
    ///
    /// - Throws: `wrongCredentials` where the user was changed since they logged in.
    package func issue(for logIn: LoggedIn) async throws -> (text: String, expires: Date) {
        let now = clock.seconds
        let id = logIn.user.id
        let jti = Secret().bytes.prefix(16).hexadecimal
        let event = AuditEvent(
            .user(logIn.user, from: logIn.address.description), .issueJWT, on: .user(id, logIn.user.username))
        let row = try await store.write { database in
            guard let row = try UserRow.find(id, database), row.user.isActive, row.generation == logIn.generation
            else { throw AccountError(.wrongCredentials, "the user was changed meanwhile; log in again") }
            try AuditLog.insert(event, at: now, database)
            return row
        }
        let issued = Int64(now.rounded(.down))
        let expires = issued + rules.lifetime.components.seconds
        let claims = JSONWebToken.Claims(
            exp: expires, gen: row.generation, iat: issued, jti: jti, role: row.user.role.rawValue, sub: "\(id)")
        return (try signer.sign(claims), Date(timeIntervalSince1970: Double(expires)))
    }

    /// Ends a token before its time; one that is over already stays over.
    package func end(_ handle: JWTHandle, of principal: Principal, from address: String?) async throws {
        let now = clock.seconds
        let event = AuditEvent(
            .principal(principal, from: address), .logOut, on: .user(principal.user, principal.username))
        try await store.write { database in
            try database.execute(sql: "DELETE FROM accountEndedJWT WHERE expires <= ?", arguments: [now])
            try database.execute(
                sql: "INSERT OR IGNORE INTO accountEndedJWT VALUES (?, ?)",
                arguments: [handle.id, Double(handle.expires)])
            if database.changesCount > 0 { try AuditLog.insert(event, at: now, database) }
        }
    }

    // MARK: Proving

    /// What a bearer value is told that this node has not signed: it may well be good elsewhere.
    private static func refusal(of text: String) -> String {
        if text.utf8.count == 64, text.utf8.allSatisfy({ ($0 | 0x20).isHexadecimalDigit }) {
            return "the key is not this node's: each node has its own, in the file api_key of its data directory"
        }
        if text.hasPrefix("swarm://") { return "an invite code lets nodes into the swarm; it is no key" }
        if text.split(separator: ".", omittingEmptySubsequences: false).count == 3 {
            return "the token was not signed by this node, or was changed; get a new one"
        }
        return "this node knows no such key or token"
    }

    /// Who has the token.
    func prove(_ text: String) async throws -> Principal {
        guard let claims = signer.open(text), let user = UserID(claims.sub) else {
            throw AccountError(.badBearer, Self.refusal(of: text))
        }
        let now = clock.seconds
        guard Double(claims.iat) <= now + rules.skew / .seconds(1), claims.exp > claims.iat else {
            throw AccountError(.badBearer, "the token was issued in the future; check this machine's clock")
        }
        // A lifetime that was made shorter holds for tokens that are out there too.
        guard now < Double(claims.exp), now < Double(claims.iat) + rules.lifetime / .seconds(1) else {
            throw AccountError(.expired, "the token has run out; get a new one")
        }
        let row = try await store.read { database -> UserRow? in
            let isEnded = try Bool.fetchOne(
                database, sql: "SELECT 1 FROM accountEndedJWT WHERE id = ?", arguments: [claims.jti])
            return isEnded == true ? nil : try UserRow.find(user, database)
        }
        if let row, !row.user.isActive { throw AccountError.deactivated(row.user, .revoked) }
        guard let row, row.generation == claims.gen, row.user.role.rawValue == claims.role else {
            throw AccountError(.revoked, "the token was ended; get a new one")
        }
        return Principal(row, proof: .jwt(JWTHandle(id: claims.jti, expires: claims.exp)))
    }
}

extension AccountError {
    /// For somebody who has proved to be the user.
    static func deactivated(_ user: User, _ code: Code = .badBearer) -> AccountError {
        AccountError(code, "the user \(user.username) is deactivated; an administrator can change that")
    }
}

extension UInt8 {
    /// Of small letters and digits.
    fileprivate var isHexadecimalDigit: Bool { (0x30...0x39).contains(self) || (0x61...0x66).contains(self) }
}
