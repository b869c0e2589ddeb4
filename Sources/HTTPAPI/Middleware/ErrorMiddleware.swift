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
        do {
            return try await next(request, context)
        } catch let error as HTTPError where error.status == .notFound && error.body == nil {
            return unknownRoute(request).response(in: table.family(of: request.routedPath))
        } catch {
            return APIError(error, logger: context.logger).response(in: table.family(of: request.routedPath))
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
    func response(in family: APIFamily) -> Response {
        let (status, body) = family.errors.rendered(self)
        var response = Response.json(body, status: status)
        response.headers.append(contentsOf: headers)
        return response
    }
}
