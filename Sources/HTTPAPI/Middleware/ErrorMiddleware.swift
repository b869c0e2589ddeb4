import HTTPTypes
import Hummingbird
import JSON
import Logging

/// Turns everything that is thrown into the answer of the path's family. The one place where errors meet HTTP.
struct ErrorMiddleware: RouterMiddleware {
    typealias Context = APIRequestContext

    let table: RouteTable

    func handle(
        _ request: Request, context: APIRequestContext, next: (Request, APIRequestContext) async throws -> Response
    ) async throws -> Response {
        let family = ErrorFamily(path: request.routedPath)
        do {
            return try await next(request, context)
        } catch let error as HTTPError where error.status == .notFound && error.body == nil {
            return unknownRoute(request).response(in: family)
        } catch {
            return APIError(error, logger: context.logger).response(in: family)
        }
    }

    private func unknownRoute(_ request: Request) -> APIError {
        let methods = table.methods(at: request.uri.path)
        guard methods.isEmpty else {
            return .methodNotAllowed(request.method.rawValue, path: request.uri.path, allowed: methods)
        }
        return .notFound(
            "there is no \(request.uri.path) here", hint: "GET /openapi.yaml describes every path that there is.")
    }
}

extension APIError {
    /// The error as an answer.
    func response(in family: ErrorFamily) -> Response {
        let (status, body) = family.rendered(self)
        var response = Response.json(body, status: status)
        response.headers.append(contentsOf: headers)
        return response
    }
}
