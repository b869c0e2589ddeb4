/// One of `GET /admin/api/users`.
struct UserSummary: Decodable, Sendable {
    var id: Int
    var username: String
    var email: String
    var role: String
    var tokens: Int
    var active: Bool
    var createdAt: String
}

/// `GET /admin/api/users`.
struct UserList: Decodable, Sendable {
    var users: [UserSummary]
}

/// `GET /admin/api/users/{id}/tokens`.
struct LedgerPage: Decodable, Sendable {
    struct Entry: Decodable, Sendable {
        var id: Int
        var kind: String
        var amount: Int
        var balance: Int
        var reason: String
        var createdAt: String
    }

    var balance: Int
    var entries: [Entry]
}

/// One of `GET /admin/api/api_tokens`.
struct APITokenSummary: Decodable, Sendable {
    var id: Int
    var userId: Int
    var name: String
    var token: String
    var active: Bool
    var createdAt: String
    var lastUsedAt: String?
}

/// `GET /admin/api/api_tokens`.
struct APITokenList: Decodable, Sendable {
    var tokens: [APITokenSummary]
}

extension UserSummary: ListRow {
    static let headers = ["ID", "USERNAME", "E-MAIL", "ROLE", "TOKENS", "STATE", "SINCE"]
    static let rightAligned: Set<Int> = [0, 4]

    var listName: String { username }

    var cells: [String] {
        ["\(id)", username, email, role, "\(tokens)", active ? "active" : "deactivated", String(createdAt.prefix(10))]
    }
}

extension LedgerPage.Entry: ListRow {
    static let headers = ["TIME", "KIND", "TOKENS", "BALANCE", "REASON"]
    static let rightAligned: Set<Int> = [2, 3]

    var listName: String { "\(id)" }

    var cells: [String] { [createdAt, kind, amount > 0 ? "+\(amount)" : "\(amount)", "\(balance)", reason] }
}

extension APITokenSummary: ListRow {
    static let headers = ["ID", "NAME", "TOKEN", "STATE", "SINCE", "LAST USED"]
    static let rightAligned: Set<Int> = [0]

    var listName: String { name }

    var cells: [String] {
        [
            "\(id)", name, token, active ? "active" : "revoked", String(createdAt.prefix(10)), lastUsedAt ?? "never",
        ]
    }
}

extension NodeClient {
    /// The user who is called `username`.
    ///
    /// - Throws: `CommandError` where nobody is.
    func user(_ username: String) async throws -> UserSummary {
        let list: UserList = try await get("/admin/api/users?username=\(Self.escaped(username))")
        guard let user = list.users.first else {
            throw CommandError("there is no user \(username)", hint: "“shoal user list” lists those there are")
        }
        return user
    }

    /// Text as a part of a path or query (RFC 3986 section 2.3).
    static func escaped(_ text: String) -> String {
        let hex = Array("0123456789ABCDEF".utf8)
        var bytes: [UInt8] = []
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
                UInt8(ascii: "~"):
                bytes.append(byte)
            default: bytes += [UInt8(ascii: "%"), hex[Int(byte >> 4)], hex[Int(byte & 15)]]
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
