import HTTPTypes
import JSON

/// An answer that says what went wrong; the path's ``APIFamily`` says how it is written.
struct APIError: Error, Hashable {
    /// The part of a request that a field is in.
    enum Place: String, Sendable {
        case path
        case query
        case body
    }

    var status: HTTPResponse.Status
    var type: String
    var message: String
    /// The field at fault, and where it is.
    var parameter: String?
    var place = Place.body
    var hint: String?
    /// What clients tell errors by, where that is more than the type.
    var code: String?
    var headers: HTTPFields = [:]
}

extension APIError {
    /// 400: the request cannot be understood or asks for what cannot be done; `parameter` names the field.
    static func invalidRequest(
        _ message: String, parameter: String? = nil, in place: Place = .body, hint: String? = nil
    ) -> APIError {
        APIError(
            status: .badRequest, type: "invalid_request_error", message: message, parameter: parameter, place: place,
            hint: hint)
    }

    /// 401: nothing that proves who calls.
    static func unauthorized(
        _ message: String = "this needs to know who calls, and the request carried no key, token or session"
    ) -> APIError {
        APIError(
            status: .unauthorized, type: "authentication_error", message: message,
            hint:
                "Send the node key (the file api_key of the data directory) or a token of yours as 'Authorization: Bearer …' "
                + "or 'x-api-key: …'.",
            headers: [.wwwAuthenticate: "Bearer"])
    }

    /// 403: the caller is known and still may not.
    static func forbidden(_ message: String, hint: String? = nil) -> APIError {
        APIError(status: .forbidden, type: "permission_error", message: message, hint: hint)
    }

    /// 404.
    static func notFound(_ message: String, parameter: String? = nil, hint: String? = nil) -> APIError {
        APIError(status: .notFound, type: "not_found_error", message: message, parameter: parameter, hint: hint)
    }

    /// 405, with the methods that the path has.
    static func methodNotAllowed(_ method: String, path: String, allowed: [String]) -> APIError {
        let list = allowed.sorted().joined(separator: ", ")
        return APIError(
            status: .methodNotAllowed, type: "invalid_request_error",
            message: "\(path) does not take \(method); it takes \(list)", headers: [.allow: list])
    }

    /// 413.
    static func bodyTooLarge(limitBytes: Int) -> APIError {
        APIError(
            status: .contentTooLarge, type: "invalid_request_error",
            message: "the body is larger than \(limitBytes) bytes")
    }

    /// 429.
    static func rateLimited(retryAfterSeconds: Int) -> APIError {
        APIError(
            status: .tooManyRequests, type: "rate_limit_error",
            message: "too many requests from this address; the next one may come in \(retryAfterSeconds) s",
            headers: [.retryAfter: String(retryAfterSeconds)])
    }

    /// 503.
    static func unavailable(_ message: String, hint: String? = nil) -> APIError {
        APIError(status: .serviceUnavailable, type: "server_error", message: message, hint: hint)
    }

    /// 504.
    static func timedOut(_ message: String, hint: String? = nil) -> APIError {
        APIError(status: .gatewayTimeout, type: "timeout_error", message: message, hint: hint)
    }

    /// 502: another machine did not do its part.
    static func network(_ message: String, hint: String? = nil) -> APIError {
        APIError(status: .badGateway, type: "network_error", message: message, hint: hint)
    }

    /// 500, with nothing of the inside.
    static let `internal` = APIError(
        status: .internalServerError, type: "server_error",
        message: "the node failed to answer this request; its log says why",
        hint: "Look for the request's x-request-id in the node's log.")
}
