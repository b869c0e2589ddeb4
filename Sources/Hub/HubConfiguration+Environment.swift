#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

extension HubConfiguration {
    /// The defaults with what the environment says, in the variables of every Hugging Face client.
    ///
    /// `HF_ENDPOINT` names the hub. The token is in `HF_TOKEN` (or the older `HUGGING_FACE_HUB_TOKEN`), or in a file:
    /// `HF_TOKEN_PATH`, `$HF_HOME/token`, `$XDG_CACHE_HOME/huggingface/token`, or `~/.cache/huggingface/token`. A token file that
    /// does not exist means no token.
    ///
    /// - Throws: `HubError` of code `badConfiguration` or `invalidName`.
    package static func fromEnvironment(_ environment: [String: String]) throws -> HubConfiguration {
        var configuration = HubConfiguration.defaults
        if let endpoint = value("HF_ENDPOINT", in: environment) {
            configuration.endpoint = try HubEndpoint(endpoint)
        }
        let given = value("HF_TOKEN", in: environment) ?? value("HUGGING_FACE_HUB_TOKEN", in: environment)
        if let text = try given ?? storedToken(environment) {
            configuration.token = try HubToken(text)
        }
        return configuration
    }

    private static func storedToken(_ environment: [String: String]) throws -> String? {
        guard let path = tokenPath(environment), FileManager.default.fileExists(atPath: path) else { return nil }
        do {
            let text = trimmed(String(decoding: try Data(contentsOf: URL(filePath: path)), as: UTF8.self))
            return text.isEmpty ? nil : text
        } catch {
            throw HubError(
                .badConfiguration,
                "the Hugging Face token in \(path) cannot be read; give this user the right to it, or set HF_TOKEN",
                cause: error)
        }
    }

    /// The file in which the official client keeps the token.
    static func tokenPath(_ environment: [String: String]) -> String? {
        let home = value("HOME", in: environment)
        func expanded(_ path: String) -> String {
            guard path.hasPrefix("~/"), let home else { return path }
            return home + path.dropFirst()
        }
        if let path = value("HF_TOKEN_PATH", in: environment) { return expanded(path) }
        if let folder = value("HF_HOME", in: environment) { return expanded(folder) + "/token" }
        if let cache = value("XDG_CACHE_HOME", in: environment) { return expanded(cache) + "/huggingface/token" }
        return home.map { $0 + "/.cache/huggingface/token" }
    }

    private static func value(_ name: String, in environment: [String: String]) -> String? {
        let text = trimmed(environment[name] ?? "")
        return text.isEmpty ? nil : text
    }

    private static func trimmed(_ text: String) -> String {
        var text = Substring(text)
        while text.first?.isWhitespace == true { text.removeFirst() }
        while text.last?.isWhitespace == true { text.removeLast() }
        return String(text)
    }
}
