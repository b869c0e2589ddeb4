/// What the node advises, in the words of the command line: the node speaks of routes, which are for programs.
enum RouteHint {
    /// Routes as the node's hints name them, and what says the same here. The first that fits counts.
    private static let commands: [(route: String, command: String)] = [
        ("GET /v1/models", "“shoal models” lists those that there are"),
        ("GET /api/admin/models", "“shoal models” lists those that there are"),
        ("GET /api/admin/hf/search", "“shoal search” finds models"),
        ("POST /api/auth/password", "“shoal login” asks for another one"),
        ("DELETE /admin/api/api_tokens/", "“shoal token remove” revokes it"),
        ("PATCH /admin/api/users", "“shoal user set” changes a user"),
        ("GET /openapi.yaml", "compare “shoal --version” with the version in “shoal status”"),
    ]
    private static let methods = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"]

    /// Nil where nothing is left of it.
    static func inCommands(_ hint: String) -> String? {
        guard methods.contains(where: { hint.contains("\($0) /") }) else { return hint }
        if let known = commands.first(where: { hint.contains($0.route) }) { return known.command }
        return nil
    }
}
