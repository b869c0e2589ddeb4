import Accounts
import Files
import Hummingbird
import JSON

/// `GET /admin/api/browse`: what is in a folder of the node's files.
struct BrowseRoute: RouteGroup {
    static let family = APIFamily.cluster

    /// Most items of an answer, and as many as one has where the client does not say.
    private static let maximumItems = 10_000
    private static let standardItems = 1000

    let files: FileOperations

    func add(to table: inout RouteTable) {
        table.get("/admin/api/browse", .administrator, handler: browse)
    }

    @Sendable private func browse(_ request: Request, context: APIRequestContext) async throws -> Response {
        var query = try QueryFields(request)
        let path = try query.string("path", maximumCharacters: ClientPath.maximumBytes, allowsControls: true) ?? ""
        let limit = try query.integer("limit", in: 1...Self.maximumItems)
        let after = try query.string("after", allowsControls: true)
        try query.refuseUnread()
        let page: FilePage
        do {
            page = try await files.list(path, after, limit ?? Self.standardItems)
        } catch let error as FileError { throw error.naming("path") }
        var text = JSONText()
        text.raw("{\"current_path\":")
        text.string(page.path)
        text.raw(",\"items\":")
        text.array(page.items) { text, item in
            text.raw("{\"name\":")
            text.string(item.name)
            text.raw(",\"path\":")
            text.string(item.path)
            text.raw(",\"is_dir\":\(item.isFolder),\"size\":\(item.sizeBytes)}")
        }
        if limit != nil || page.next != nil {
            text.raw(",\"next\":")
            if let next = page.next { text.string(next) } else { text.raw("null") }
        }
        text.raw("}")
        return .json(text.buffer)
    }
}
