import ChatTemplate
import Foundation

/// Jinja itself, which `reference/render.py` runs the way the transformers library does.
enum Reference {
    struct Failure: Error, CustomStringConvertible {
        let description: String
    }

    /// The root of the package.
    static let package = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()

    /// Where `scripts/chat-templates` puts the templates of real models.
    static var templates: URL {
        get throws {
            let environment = ProcessInfo.processInfo.environment
            let cache =
                environment["XDG_CACHE_HOME"].flatMap { $0.isEmpty ? nil : URL(filePath: $0) }
                ?? FileManager.default.homeDirectoryForCurrentUser.appending(path: ".cache")
            let folder = cache.appending(path: "shoal/llama-cpp-python-0.3.36/chat-templates")
            guard FileManager.default.fileExists(atPath: folder.path) else {
                throw Failure(
                    description: "the chat templates are missing at \(folder.path): run scripts/chat-templates")
            }
            return folder
        }
    }

    /// What the script prints, run with the Python of `scripts/python`.
    static func run(_ arguments: [String]) async throws -> JSONValue {
        let process = Process()
        process.executableURL = package.appending(path: "scripts/python")
        process.arguments = [package.appending(path: "Tests/ChatTemplateTests/reference/render.py").path] + arguments
        let output = Pipe()
        let errors = Pipe()
        process.standardOutput = output
        process.standardError = errors
        try process.run()
        async let failureText = String(decoding: errors.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        let data = output.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        guard process.terminationStatus == 0 else {
            throw Failure(description: "the reference did not run (is scripts/setup done?): \(await failureText)")
        }
        return try JSONValue(parsing: Array(data))
    }
}
