import NodeAPI

extension UserBody: ListRow {
    static let headers = ["ID", "USERNAME", "E-MAIL", "ROLE", "TOKENS", "STATE", "SINCE"]
    static let rightAligned: Set<Int> = [0, 4]

    var listName: String { username }

    var cells: [String] {
        ["\(id)", username, email, role, "\(tokens)", active ? "active" : "deactivated", String(createdAt.prefix(10))]
    }
}

extension LedgerBody.Entry: ListRow {
    static let headers = ["TIME", "KIND", "TOKENS", "BALANCE", "REASON"]
    static let rightAligned: Set<Int> = [2, 3]

    var listName: String { "\(id)" }

    var cells: [String] { [createdAt, kind, amount > 0 ? "+\(amount)" : "\(amount)", "\(balance)", reason] }
}

extension APITokenBody: ListRow {
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
    func user(_ username: String) async throws -> UserBody {
        let list: UserListBody = try await get("/admin/api/users?username=\(Self.escaped(username))")
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
