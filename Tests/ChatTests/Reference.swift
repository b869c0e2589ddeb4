import Foundation
import Generation
import JSON

@testable import Engine

/// The transformers library and the templates of real models, which the tests compare with.
enum Reference {
    struct Failure: Error, CustomStringConvertible {
        let description: String
    }

    /// One conversation as a client sends it, and the prompt that transformers makes of it.
    struct Rendering: Sendable {
        let conversation: String
        let messages: JSONValue
        let tools: JSONValue
        let texts: [String]
        /// Nil where transformers refuses it in every form.
        let rendered: String?
    }

    /// One answer as the model would write it.
    struct Answer: Sendable {
        let name: String
        let messages: JSONValue
        let tools: JSONValue
        let text: String
        let content: String
        let reasoning: String
        let calls: [(name: String, arguments: String)]
    }

    /// The root of the package.
    private static let package = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()

    /// Where `scripts/chat-templates` finds the templates.
    private static let folder: URL = {
        let environment = ProcessInfo.processInfo.environment
        let cache =
            environment["XDG_CACHE_HOME"].flatMap { $0.isEmpty ? nil : URL(filePath: $0) }
            ?? FileManager.default.homeDirectoryForCurrentUser.appending(path: ".cache")
        return cache.appending(path: "shoal/llama-cpp-python-0.3.36/source/models/templates")
    }()

    /// The names of the templates, without their extension.
    static let templates: [String] = {
        let files = (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
        return files.filter { $0.hasSuffix(".jinja") }.map { String($0.dropLast(6)) }.sorted()
    }()

    static func source(_ template: String) throws -> String {
        try String(contentsOf: folder.appending(path: template + ".jinja"), encoding: .utf8)
    }

    /// The clock of templates that ask for the time, which is the machine's.
    static let now = Int(Date().timeIntervalSince1970)
    /// The date that is given to templates, on which transformers agrees by what the templates themselves take.
    static let date = 1_721_997_296

    /// By template.
    static let renderings = Result {
        try Dictionary(grouping: run("render.py", [folder.path, String(now)]), by: name).mapValues { lines in
            lines.map { line in
                Rendering(
                    conversation: line["conversation"]?.string ?? "", messages: line["messages"] ?? .null,
                    tools: line["tools"] ?? .null, texts: (line["texts"]?.array ?? []).compactMap(\.string),
                    rendered: line["rendered"]?.string)
            }
        }
    }

    /// By template; those that know tools.
    static let answers = Result {
        try Dictionary(grouping: run("answers.py", [folder.path]).filter { $0["answer"] != nil }, by: name).mapValues {
            lines in
            lines.map { line in
                let expected = line["expected"] ?? .null
                return Answer(
                    name: line["case"]?.string ?? "", messages: line["messages"] ?? .null,
                    tools: line["tools"] ?? .null,
                    text: line["answer"]?.string ?? "", content: expected["content"]?.string ?? "",
                    reasoning: expected["reasoning_content"]?.string ?? "",
                    calls: (expected["tool_calls"]?.array ?? []).map {
                        ($0["name"]?.string ?? "", $0["arguments"]?.string ?? "")
                    })
            }
        }
    }

    private static func name(_ line: JSONValue) -> String { String((line["template"]?.string ?? "").dropLast(6)) }

    /// The lines that a script prints, run with the Python of `scripts/python`.
    private static func run(_ script: String, _ arguments: [String]) throws -> [JSONValue] {
        let reference = package.appending(path: "Tests/ChatTests/reference")
        let process = Process()
        process.executableURL = package.appending(path: "scripts/python")
        process.arguments =
            ["--with", reference.appending(path: "requirements.txt").path, reference.appending(path: script).path]
            + arguments
        let output = Pipe()
        process.standardOutput = output
        try process.run()
        let data = output.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        guard process.terminationStatus == 0 else {
            throw Failure(description: "\(script) did not run; is scripts/setup done?")
        }
        return try data.split(separator: UInt8(ascii: "\n")).map { try JSONValue(parsing: Array($0)) }
    }
}

extension Conversation {
    /// Reads what clients send.
    init(messages: JSONValue, tools: JSONValue) throws(ChatError) {
        let read: (messages: [ChatMessage], tools: [Tool])
        do {
            read = (try ChatMessage.list(messages.array ?? []), try Tool.list(tools.array ?? []))
        } catch {
            throw ChatError(.failed, error.message)
        }
        try self.init(read.messages, tools: read.tools)
    }
}
