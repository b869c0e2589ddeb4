/// `GET /v1/models`.
struct ServedModels: Decodable, Sendable {
    struct Model: Decodable, Sendable {
        struct Meta: Decodable, Sendable {
            var size: Int64?
            var nodes: [String]?
        }

        var id: String
        var meta: Meta?
    }

    var data: [Model]
}
