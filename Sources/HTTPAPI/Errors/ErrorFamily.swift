import HTTPTypes
import JSON

/// How the errors of a part of the interface are written.
enum ErrorFamily: Hashable, Sendable {
    /// `{"error": {"message": "…", "type": "…", "param": null, "code": "…", "hint": "…"}}`, as OpenAI writes them: `code` repeats
    /// `type` unless clients know a better word; `param` names the field at fault; `hint` is there when there is something to do about it.
    case node
    /// `{"error": "…"}`.
    case cluster
    /// `{"detail": "…"}`; 422 `{"detail": [{"loc": ["body", "…"], "msg": "…", "type": "…"}]}` where a field is at fault, as FastAPI
    /// writes them: `loc` begins with `path`, `query` or `body`.
    case compute

    /// The family of a path, whether or not there is such a route.
    init(path: String) {
        let cluster = ["/admin/api", "/api/admin/cluster_"]
        let compute = ["/api/v1", "/admin/lora", "/lora", "/evaluation"]
        if cluster.contains(where: { path.hasPrefix($0) }) {
            self = .cluster
        } else if compute.contains(where: { path.hasPrefix($0) }) {
            self = .compute
        } else {
            self = .node
        }
    }

    /// The status and the body that `error` has here.
    func rendered(_ error: APIError) -> (status: HTTPResponse.Status, body: JSONValue) {
        switch self {
        case .node:
            var fields: [(String, JSONValue)] = [
                ("message", .string(error.message)),
                ("type", .string(error.type)),
                ("param", error.parameter.map { .string($0) } ?? .null),
                ("code", .string(error.code ?? error.type)),
            ]
            if let hint = error.hint { fields.append(("hint", .string(hint))) }
            return (error.status, .object([("error", .object(fields))]))
        case .cluster:
            return (error.status, ["error": .string(Self.sentence(error))])
        case .compute:
            guard error.status == .badRequest, let parameter = error.parameter else {
                return (error.status, ["detail": .string(Self.sentence(error))])
            }
            // Only what is in a body has members.
            let names = error.place == .body ? parameter.split(separator: ".").map(String.init) : [parameter]
            let place = ([error.place.rawValue] + names).map { JSONValue.string($0) }
            return (
                .unprocessableContent,
                [
                    "detail": [
                        ["loc": .array(place), "msg": .string(error.message), "type": "value_error"]
                    ]
                ]
            )
        }
    }

    /// The message with what can be done about it.
    private static func sentence(_ error: APIError) -> String {
        error.hint.map { "\(error.message). \($0)" } ?? error.message
    }
}
