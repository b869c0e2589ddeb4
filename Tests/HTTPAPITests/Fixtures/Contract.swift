import Foundation
import HTTPTypes
import JSON
import Yams

@testable import HTTPAPI

/// The node's `openapi.yaml`, to compare answers with.
struct Contract: Sendable {
    let document: JSONValue
    /// The segments of each path, and what is there.
    private let paths: [(segments: [Substring], item: JSONValue)]

    init() throws {
        guard let node = try Yams.compose(yaml: Self.text()) else {
            throw ContractError(message: "the contract is empty")
        }
        document = try JSONValue(yaml: node)
        paths = (document["paths"]?.entries ?? []).map { ($0.key.split(separator: "/"), $0.value) }
    }

    /// The file in the sources.
    static func text() throws -> String {
        let root = #filePath.split(separator: "/").dropLast(4).map { "/" + $0 }.joined()
        return try String(contentsOfFile: root + "/Sources/CContract/openapi.yaml", encoding: .utf8)
    }

    /// `GET /v1/models` for every operation.
    var operations: Set<String> {
        var result: Set<String> = []
        for (path, item) in document["paths"]?.entries ?? [] {
            for method in ["get", "post", "put", "delete", "patch"] where item[method] != nil {
                result.insert("\(method.uppercased()) \(path)")
            }
        }
        return result
    }

    /// What the contract calls the errors of a path that it does not have.
    private static func errorName(_ path: String) -> String {
        func begins(_ prefixes: String...) -> Bool { prefixes.contains(where: path.hasPrefix) }
        if begins("/admin/api", "/api/admin/cluster_") { return "ClusterError" }
        return begins("/api/v1", "/admin/lora", "/lora", "/evaluation") ? "ComputeError" : "Error"
    }

    /// What is wrong with an answer; empty when it is as the contract says.
    func problems(method: String, path: String, answer: Answer) -> [String] {
        for name in ["x-request-id", "x-content-type-options", "content-security-policy"]
        where HTTPField.Name(name).flatMap({ answer.headers[$0] }) == nil {
            return ["\(method) \(path): no \(name)"]
        }
        // A preflight has its answer in its headers.
        if method == "OPTIONS", answer.status == 204 { return [] }
        let lookedUp = method == "HEAD" ? "GET" : method
        guard let operation = operation(lookedUp, path) else {
            // Not in the contract: only an error will do.
            let name = Self.errorName(path)
            return check(answer, against: document["components"]?["responses"]?[name], name: "\(method) \(path)")
        }
        guard method != "HEAD", answer.status != 204 else { return [] }
        let responses = operation["responses"]
        guard let response = responses?[String(answer.status)] ?? responses?["default"] else {
            return ["\(method) \(path): status \(answer.status) is not in the contract"]
        }
        if responses?[String(answer.status)] == nil, answer.status < 400 {
            return ["\(method) \(path): status \(answer.status) is no error and not in the contract"]
        }
        return check(answer, against: response, name: "\(method) \(path) \(answer.status)")
    }

    /// The schema of the JSON that an operation such as `GET /v1/models` answers; nil where it answers none.
    func schema(of operation: String, status: Int) -> JSONValue? {
        let words = operation.split(separator: " ").map(String.init)
        let answer = document["paths"]?[words[1]]?[words[0].lowercased()]?["responses"]?[String(status)]
        return answer.flatMap {
            SchemaChecker(document: document).resolved($0)["content"]?["application/json"]?["schema"]
        }
    }

    /// What is wrong with a value of the schema `name`.
    func problems(with value: JSONValue, schema name: String) -> [String] {
        SchemaChecker(document: document).check(value, ["$ref": .string("#/components/schemas/\(name)")], at: "$")
    }

    private func check(_ answer: Answer, against response: JSONValue?, name: String) -> [String] {
        let checker = SchemaChecker(document: document)
        guard let response = response.map(checker.resolved) else { return ["\(name): no response in the contract"] }
        let type = answer.headers[.contentType]?.split(separator: ";").first.map(String.init) ?? ""
        guard let media = response["content"]?[type] else { return ["\(name): \(type) is not in the contract"] }
        if type == "text/event-stream" { return checkEvents(answer, name: name) }
        guard type == "application/json" else { return [] }
        guard let value = try? JSONValue(parsing: answer.text) else { return ["\(name): the body is no JSON"] }
        guard let schema = media["schema"] else { return [] }
        return checker.check(value, schema, at: "\(name) $")
    }

    private func checkEvents(_ answer: Answer, name: String) -> [String] {
        answer.chunks.flatMap { chunk -> [String] in
            if chunk["error"] != nil { return problems(with: chunk, schema: "Error") }
            let schema = chunk["object"] == "text_completion" ? "CompletionChunk" : "ChatCompletionChunk"
            return problems(with: chunk, schema: schema)
        }
    }

    private func operation(_ method: String, _ path: String) -> JSONValue? {
        let segments = path.prefix { $0 != "?" }.split(separator: "/")
        for (parts, item) in paths {
            guard parts.count == segments.count,
                zip(parts, segments).allSatisfy({ $0.hasPrefix("{") || $0 == $1 })
            else { continue }
            if let operation = item[method.lowercased()] { return operation }
        }
        return nil
    }
}

struct ContractError: Error { let message: String }

extension JSONValue {
    /// A YAML document as JSON.
    init(yaml node: Node) throws {
        switch node {
        case .scalar(let scalar):
            switch node.tag.rawValue {
            case Tag.Name.null.rawValue: self = .null
            case Tag.Name.bool.rawValue: self = .bool(node.bool ?? false)
            case Tag.Name.int.rawValue: self = node.int.map { .integer($0) } ?? .number(node.float ?? 0)
            case Tag.Name.float.rawValue: self = .number(node.float ?? 0)
            default: self = .string(scalar.string)
            }
        case .sequence(let sequence): self = .array(try sequence.map { try JSONValue(yaml: $0) })
        case .mapping(let mapping):
            self = .object(
                try mapping.map { key, value in
                    guard let name = key.scalar?.string else { throw ContractError(message: "a key is no text") }
                    return (name, try JSONValue(yaml: value))
                })
        case .alias: throw ContractError(message: "aliases are not used")
        }
    }
}
