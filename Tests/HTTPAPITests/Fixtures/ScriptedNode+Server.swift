import HTTPTypes
import Hummingbird
import HummingbirdTesting
import JSON
import Logging
import NIOCore
import Testing

@testable import HTTPAPI

/// A client of a scripted node that compares every answer with the contract.
struct ContractClient: Sendable {
    let client: any TestClientProtocol
    let contract: Contract

    /// Sends a request with the node key, unless `key` says otherwise, and checks the answer against `openapi.yaml`.
    func send(
        _ method: HTTPRequest.Method, _ path: String, _ body: JSONValue? = nil, key: String? = ScriptedNode.key,
        headers: HTTPFields = [:], sourceLocation: SourceLocation = #_sourceLocation
    ) async throws -> Answer {
        try await send(
            method, path, text: body?.serialized(), key: key, headers: headers, sourceLocation: sourceLocation)
    }

    func send(
        _ method: HTTPRequest.Method, _ path: String, text: String?, key: String? = ScriptedNode.key,
        headers: HTTPFields = [:], sourceLocation: SourceLocation = #_sourceLocation
    ) async throws -> Answer {
        var headers = headers
        if let key { headers[.authorization] = "Bearer \(key)" }
        let response = try await client.executeRequest(
            uri: path, method: method, headers: headers, body: text.map { ByteBuffer(string: $0) })
        let answer = Answer(
            status: response.status.code, headers: response.headers, text: String(buffer: response.body))
        let problems = contract.problems(method: method.rawValue, path: path, answer: answer)
        #expect(problems == [], sourceLocation: sourceLocation)
        return answer
    }
}

extension ContractClient {
    /// Sends a request and expects a status.
    func expect(
        _ status: Int, _ method: HTTPRequest.Method, _ path: String, _ body: JSONValue? = nil,
        key: String? = ScriptedNode.key, headers: HTTPFields = [:], sourceLocation: SourceLocation = #_sourceLocation
    ) async throws {
        let answer = try await send(
            method, path, body, key: key, headers: headers, sourceLocation: sourceLocation)
        #expect(answer.status == status, "\(method) \(path): \(answer.text)", sourceLocation: sourceLocation)
    }
}

/// What came back.
struct Answer: Sendable {
    let status: Int
    let headers: HTTPFields
    let text: String

    /// The body as JSON; null where it is none.
    var json: JSONValue { (try? JSONValue(parsing: text)) ?? .null }

    /// The error's `type`.
    var errorType: String? { json["error"]?["type"]?.string }
    /// The error's `param`.
    var errorParameter: String? { json["error"]?["param"]?.string }

    /// The data of server-sent events, in order.
    var events: [String] {
        text.split(separator: "\n\n", omittingEmptySubsequences: true)
            .filter { $0.hasPrefix("data: ") }.map { String($0.dropFirst("data: ".count)) }
    }

    /// The events that are JSON.
    var chunks: [JSONValue] { events.compactMap { try? JSONValue(parsing: $0) } }
}

extension ScriptedNode {
    /// Serves on a free port while `body` runs.
    func serve(_ body: @Sendable (ContractClient) async throws -> Void) async throws {
        try await serve(clock: ContinuousClock(), body)
    }

    func serve(clock: some Clock<Duration>, _ body: @Sendable (ContractClient) async throws -> Void) async throws {
        let contract = try Contract()
        let server = HTTPAPI.server(
            configuration: configuration, services: services,
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() },
            clock: clock)
        try await server.application.test(.live) { client in
            try await body(ContractClient(client: client, contract: contract))
        }
    }
}
