import HTTPTypes
import Hummingbird

/// Takes the machine's paths out of errors before others than administrators see them. Comes after what finds out who calls.
struct MachinePathsMiddleware: RouterMiddleware {
    typealias Context = APIRequestContext

    let configuration: HTTPAPIConfiguration

    func handle(
        _ request: Request, context: APIRequestContext, next: (Request, APIRequestContext) async throws -> Response
    ) async throws -> Response {
        do {
            return try await next(request, context)
        } catch let error as HTTPError where error.status == .notFound && error.body == nil {
            throw error
        } catch {
            throw APIError(error, logger: context.logger).seen(by: context.caller, configuration)
        }
    }
}
