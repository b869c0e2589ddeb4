import HTTPTypes
import Hummingbird

/// One route: where it is, who may call it, and what answers.
struct Route: Sendable {
    let method: HTTPRequest.Method
    /// The path as OpenAPI writes it: `/v1/models/{id}`.
    let path: String
    let access: Access
    let family: APIFamily
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
    /// Whose routes are being added.
    private var family = APIFamily.base
    private var families: [APIFamily] = [.base]
    /// Families of paths that are written out, and of those with parameters by their segments.
    private var familiesByPath: [String: APIFamily] = [:]
    private var familiesByTemplate: [(segments: [Substring], family: APIFamily)] = []

    mutating func add(_ group: some RouteGroup) {
        family = type(of: group).family
        defer { family = .base }
        families.append(family)
        group.add(to: &self)
    }

    mutating func get(
        _ path: String, _ access: Access,
        handler: @escaping @Sendable (Request, APIRequestContext) async throws -> Response
    ) {
        append(.get, path, access, handler: handler)
    }

    mutating func post(
        _ path: String, _ access: Access,
        handler: @escaping @Sendable (Request, APIRequestContext) async throws -> Response
    ) {
        append(.post, path, access, handler: handler)
    }

    /// A route that takes a file.
    mutating func upload(
        _ path: String, _ access: Access,
        handler: @escaping @Sendable (Request, APIRequestContext) async throws -> Response
    ) {
        append(.post, path, access, streamsBody: true, handler: handler)
    }

    mutating func put(
        _ path: String, _ access: Access,
        handler: @escaping @Sendable (Request, APIRequestContext) async throws -> Response
    ) {
        append(.put, path, access, handler: handler)
    }

    mutating func patch(
        _ path: String, _ access: Access,
        handler: @escaping @Sendable (Request, APIRequestContext) async throws -> Response
    ) {
        append(.patch, path, access, handler: handler)
    }

    mutating func delete(
        _ path: String, _ access: Access,
        handler: @escaping @Sendable (Request, APIRequestContext) async throws -> Response
    ) {
        append(.delete, path, access, handler: handler)
    }

    private mutating func append(
        _ method: HTTPRequest.Method, _ path: String, _ access: Access, streamsBody: Bool = false,
        handler: @escaping @Sendable (Request, APIRequestContext) async throws -> Response
    ) {
        routes.append(
            Route(
                method: method, path: path, access: access, family: family, streamsBody: streamsBody, handler: handler))
        if path.contains("{") {
            familiesByTemplate.append((path.split(separator: "/"), family))
        } else {
            familiesByPath[path] = family
        }
    }

    /// The family of a path as the router reads it, whether or not there is such a route.
    func family(of path: String) -> APIFamily {
        if let family = familiesByPath[path] { return family }
        let segments = path.split(separator: "/")
        if let found = familiesByTemplate.first(where: { Self.matches($0.segments, segments) }) { return found.family }
        var (best, length) = (APIFamily.base, -1)
        for family in families {
            for prefix in family.prefixes where prefix.utf8.count > length && path.hasPrefix(prefix) {
                (best, length) = (family, prefix.utf8.count)
            }
        }
        return best
    }

    private static func matches(_ template: [Substring], _ segments: [Substring]) -> Bool {
        template.count == segments.count && zip(template, segments).allSatisfy { $0.hasPrefix("{") || $0 == $1 }
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
            if Self.matches(route.path.split(separator: "/"), segments) { methods.insert(route.method.rawValue) }
        }
        if methods.contains("GET") { methods.insert("HEAD") }
        return methods.sorted()
    }
}
