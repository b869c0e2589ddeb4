import HTTPTypes
import Hummingbird

/// One route: where it is, who may call it, and what answers.
struct Route: Sendable {
    let method: HTTPRequest.Method
    /// The path as OpenAPI writes it: `/v1/models/{id}`.
    let path: String
    let access: Access
    /// Whether the route reads its body piece by piece itself, however large it is.
    var streamsBody = false
    let handler: @Sendable (Request, APIRequestContext) async throws -> Response
}

extension Route {
    /// Whether a large body may come that has to be taken in as a whole. What everybody may call takes small ones, and sees to it.
    fileprivate var takesDocument: Bool { method != .get && !streamsBody && access != .everybody }
}

/// All routes of the node, kept beside the router so that they can be listed, compared with `openapi.yaml`, and so that a wrong
/// method is told from a wrong path.
struct RouteTable: Sendable {
    private(set) var routes: [Route] = []

    mutating func get(
        _ path: String, _ access: Access,
        handler: @escaping @Sendable (Request, APIRequestContext) async throws -> Response
    ) {
        routes.append(Route(method: .get, path: path, access: access, handler: handler))
    }

    mutating func post(
        _ path: String, _ access: Access,
        handler: @escaping @Sendable (Request, APIRequestContext) async throws -> Response
    ) {
        routes.append(Route(method: .post, path: path, access: access, handler: handler))
    }

    /// A route that takes a file.
    mutating func upload(
        _ path: String, _ access: Access,
        handler: @escaping @Sendable (Request, APIRequestContext) async throws -> Response
    ) {
        routes.append(Route(method: .post, path: path, access: access, streamsBody: true, handler: handler))
    }

    mutating func put(
        _ path: String, _ access: Access,
        handler: @escaping @Sendable (Request, APIRequestContext) async throws -> Response
    ) {
        routes.append(Route(method: .put, path: path, access: access, handler: handler))
    }

    mutating func patch(
        _ path: String, _ access: Access,
        handler: @escaping @Sendable (Request, APIRequestContext) async throws -> Response
    ) {
        routes.append(Route(method: .patch, path: path, access: access, handler: handler))
    }

    mutating func delete(
        _ path: String, _ access: Access,
        handler: @escaping @Sendable (Request, APIRequestContext) async throws -> Response
    ) {
        routes.append(Route(method: .delete, path: path, access: access, handler: handler))
    }

    /// Adds every route to a router, behind its access check.
    func register(on router: Router<APIRequestContext>, configuration: HTTPAPIConfiguration) {
        for route in routes {
            let path = route.path.split(separator: "/").map { segment in
                segment.hasPrefix("{") ? ":\(segment.dropFirst().dropLast())" : String(segment)
            }.joined(separator: "/")
            router.on(RouterPath("/" + path), method: route.method) { request, context in
                try route.access.check(context.caller, fault: context.credentialFault, configuration: configuration)
                guard route.takesDocument else {
                    if !route.streamsBody { try await request.goOn(context) }
                    return try await route.handler(request, context)
                }
                return try await configuration.bodies.serve(
                    request, context, for: configuration.shares.share(of: context.caller),
                    limitBytes: configuration.bodyLimitBytes, route.handler)
            }
        }
    }

    /// The methods that some route takes at `path`; empty where there is no such path.
    func methods(at path: String) -> [String] {
        let segments = path.split(separator: "/")
        var methods = Set<String>()
        for route in routes {
            let template = route.path.split(separator: "/")
            guard template.count == segments.count else { continue }
            let matches = zip(template, segments).allSatisfy { $0.hasPrefix("{") || $0 == $1 }
            if matches { methods.insert(route.method.rawValue) }
        }
        if methods.contains("GET") { methods.insert("HEAD") }
        return methods.sorted()
    }
}
