import HTTPTypes
import JSON

/// How a family of the interface writes errors.
protocol ErrorEnvelope: Sendable {
    /// The status and the body that `error` has here.
    func rendered(_ error: APIError) -> (status: HTTPResponse.Status, body: JSONValue)
}

/// `{"error": {"message": "…", "type": "…", "param": null, "code": "…", "hint": "…"}}`, as OpenAI writes them: `code` repeats `type`
/// unless clients know a better word; `param` names the field at fault; `hint` is there when there is something to do about it.
struct OpenAIErrors: ErrorEnvelope {
    func rendered(_ error: APIError) -> (status: HTTPResponse.Status, body: JSONValue) {
        var fields: [(String, JSONValue)] = [
            ("message", .string(error.message)),
            ("type", .string(error.type)),
            ("param", error.parameter.map { .string($0) } ?? .null),
            ("code", .string(error.code ?? error.type)),
        ]
        if let hint = error.hint { fields.append(("hint", .string(hint))) }
        return (error.status, .object([("error", .object(fields))]))
    }
}

/// `{"error": "…"}`.
struct ClusterErrors: ErrorEnvelope {
    func rendered(_ error: APIError) -> (status: HTTPResponse.Status, body: JSONValue) {
        (error.status, ["error": .string(error.sentence)])
    }
}

/// `{"detail": "…"}`; 422 `{"detail": [{"loc": ["body", "…"], "msg": "…", "type": "…"}]}` where a field is at fault, as FastAPI writes
/// them: `loc` begins with `path`, `query` or `body`.
struct ComputeErrors: ErrorEnvelope {
    func rendered(_ error: APIError) -> (status: HTTPResponse.Status, body: JSONValue) {
        guard error.status == .badRequest, let parameter = error.parameter else {
            return (error.status, ["detail": .string(error.sentence)])
        }
        // Only what is in a body has members.
        let names = error.place == .body ? parameter.split(separator: ".").map(String.init) : [parameter]
        let place = ([error.place.rawValue] + names).map { JSONValue.string($0) }
        return (
            .unprocessableContent,
            ["detail": [["loc": .array(place), "msg": .string(error.message), "type": "value_error"]]]
        )
    }
}

extension APIError {
    /// The message with what can be done about it.
    fileprivate var sentence: String { hint.map { "\(message). \($0)" } ?? message }
}
