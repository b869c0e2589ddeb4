import AsyncHTTPClient
import NIOCore
import NIOFoundationCompat
import NIOHTTP1
import NIOPosix
import Node
import NodeAPI

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// Talks HTTP to a node.
package struct NodeClient: Sendable {
    package let target: NodeTarget
    private let http: HTTPClient

    /// Opens a client for the time that `body` runs.
    package static func with<Result: Sendable>(
        _ target: NodeTarget, _ body: (NodeClient) async throws -> Result
    ) async throws -> Result {
        var configuration = HTTPClient.Configuration(
            redirectConfiguration: .disallow, timeout: .init(connect: .seconds(5)))
        configuration.connectionPool.retryConnectionEstablishment = false
        let http = HTTPClient(eventLoopGroup: MultiThreadedEventLoopGroup.singleton, configuration: configuration)
        do {
            let result = try await body(NodeClient(target: target, http: http))
            try await http.shutdown()
            return result
        } catch {
            try? await http.shutdown()
            throw error
        }
    }

    /// Reads `path` as JSON.
    package func get<Answer: Decodable>(_ path: String, as: Answer.Type = Answer.self) async throws -> Answer {
        try Self.decode(await body(.GET, path))
    }

    /// Reads `path` as it is.
    package func get(_ path: String) async throws -> [UInt8] {
        try await body(.GET, path)
    }

    /// Posts JSON to `path` and answers the JSON that comes back.
    package func post(
        _ path: String, _ content: (any Encodable & Sendable)? = nil, headers: [String: String] = [:]
    ) async throws -> [UInt8] {
        try await body(.POST, path, content: content, headers: headers)
    }

    /// Changes what is at `path` by JSON and answers the JSON that comes back.
    package func patch(_ path: String, _ content: any Encodable & Sendable) async throws -> [UInt8] {
        try await body(.PATCH, path, content: content)
    }

    /// Puts JSON to `path` and answers the JSON that comes back.
    package func put(_ path: String, _ content: any Encodable & Sendable) async throws -> [UInt8] {
        try await body(.PUT, path, content: content)
    }

    /// Deletes what is at `path`, or what the JSON names there, and answers the JSON that comes back.
    package func delete(_ path: String, _ content: (any Encodable & Sendable)? = nil) async throws -> [UInt8] {
        try await body(.DELETE, path, content: content)
    }

    /// Posts a body that is made while it is sent, and answers the JSON that comes back.
    func post(_ path: String, _ content: HTTPClientRequest.Body, type: String) async throws -> [UInt8] {
        let response = try await execute(.POST, path, content: content, type: type, timeout: .hours(24))
        return Array(try await response.body.collect(upTo: 64 << 20).readableBytesView)
    }

    /// Decodes an answer.
    package static func decode<Answer: Decodable>(_ body: [UInt8], as: Answer.Type = Answer.self) throws -> Answer {
        do {
            return try BodyCoding.decode(Data(body))
        } catch {
            throw CommandError(
                "the node's answer is not what this version of shoal understands (\(error))",
                hint: "compare “shoal --version” with the version in “shoal status”")
        }
    }

    /// Posts JSON and reads the answer's server-sent events as they come.
    ///
    /// - Parameters:
    ///   - onHead: Told the headers that the command line shows, by lower-case name.
    ///   - onEvent: Told each event's data; `[DONE]` ends the stream and is not passed on.
    package func stream(
        _ path: String, _ content: any Encodable & Sendable, onHead: (NodeAnswerHead) throws -> Void,
        onEvent: (String) throws -> Void
    ) async throws {
        let response = try await execute(.POST, path, content: content, timeout: .hours(24))
        try onHead(NodeAnswerHead(route: response.headers.first(name: "x-shoal-route")))
        var parser = ServerSentEventParser()
        do {
            for try await buffer in response.body {
                for event in parser.feed(buffer.readableBytesView) {
                    if event == "[DONE]" { return }
                    try onEvent(event)
                }
            }
        } catch let error as CommandError {
            throw error
        } catch {
            throw CommandError("the answer of \(target.address) broke off: \(error)")
        }
        throw CommandError("the answer of \(target.address) ended before it was complete")
    }

    private func body(
        _ method: HTTPMethod, _ path: String, content: (any Encodable & Sendable)? = nil,
        headers: [String: String] = [:]
    ) async throws -> [UInt8] {
        let response = try await execute(method, path, content: content, headers: headers, timeout: .minutes(30))
        return Array(try await response.body.collect(upTo: 64 << 20).readableBytesView)
    }

    private func execute(
        _ method: HTTPMethod, _ path: String, content: (any Encodable & Sendable)?, headers: [String: String] = [:],
        timeout: TimeAmount
    ) async throws -> HTTPClientResponse {
        let body = try content.map { content in
            HTTPClientRequest.Body.bytes(ByteBuffer(string: try BodyCoding.encode(content)))
        }
        return try await execute(
            method, path, content: body, type: "application/json", headers: headers, timeout: timeout)
    }

    private func execute(
        _ method: HTTPMethod, _ path: String, content: HTTPClientRequest.Body?, type: String,
        headers: [String: String] = [:], timeout: TimeAmount
    ) async throws -> HTTPClientResponse {
        var request = HTTPClientRequest(url: target.address.text + path)
        request.method = method
        request.headers.add(name: "user-agent", value: "shoal/\(NodeVersion.current)")
        for (name, value) in headers { request.headers.add(name: name, value: value) }
        if let key = target.apiKey { request.headers.add(name: "authorization", value: "Bearer \(key)") }
        if let content {
            request.headers.add(name: "content-type", value: type)
            request.body = content
        }
        let response: HTTPClientResponse
        do {
            response = try await http.execute(request, timeout: timeout)
        } catch let error as CancellationError {
            throw error
        } catch let error as CommandError {
            // What was to be sent cannot be read.
            throw error
        } catch {
            throw unreachable(error)
        }
        guard (200..<300).contains(response.status.code) else {
            let body = try? await response.body.collect(upTo: 1 << 20)
            throw refusal(response.status, of: path, body: body.map { Array($0.readableBytesView) } ?? [])
        }
        return response
    }

    private func unreachable(_ error: any Error) -> CommandError {
        let start =
            target.source == .assumed
            ? "start one with “shoal serve”, or say where it is with --url or SHOAL_URL"
            : "check the address, and that the node runs"
        return CommandError("no node answers at \(target.address)", hint: "\(start) (\(Self.reason(error)))")
    }

    private static func reason(_ error: any Error) -> String {
        switch error {
        case let error as NIOConnectionError: error.connectionErrors.first.map { reason($0.error) } ?? "no address"
        case let error as IOError: "\(Errno(error))"
        case let error as HTTPClientError: "\(error.shortDescription)"
        default: "\(error)"
        }
    }

    /// What is to be said to somebody who is logged in, and forgot.
    private var actingHint: String? {
        target.actingAs.map { "you act as \($0) here; “shoal logout” ends that" }
    }

    /// Where a name and a password become a token: what is refused there is them, and no key.
    static let logInPath = "/api/auth/token"

    /// The node's error in words.
    private func refusal(_ status: HTTPResponseStatus, of path: String, body: [UInt8]) -> CommandError {
        let content = (try? JSONDecoder().decode(NodeRefusal.self, from: Data(body)))
        if status == .unauthorized, path == Self.logInPath, let content { return CommandError(content.message) }
        if status == .unauthorized, target.apiKey == nil {
            return CommandError(
                "\(target.address) wants to know who calls",
                hint:
                    "“shoal login NAME” logs in; or give an API token or the node's key, which stands in api_key in its data "
                    + "directory, with --api-key or SHOAL_API_KEY")
        }
        if status == .unauthorized {
            return CommandError(
                content?.message ?? "\(target.address) does not know this key",
                hint: actingHint
                    ?? "“shoal login NAME” logs in; the node's key stands in api_key in its data directory")
        }
        return CommandError(
            content?.message ?? "\(target.address) answered \(status.code) \(status.reasonPhrase)",
            hint: content?.hint.flatMap(RouteHint.inCommands) ?? (status == .forbidden ? actingHint : nil),
            isForbidden: status == .forbidden)
    }
}

/// An error as any part of the node's interface writes it: `{"error": {"message", "hint"?}}`, `{"error": "…"}`,
/// `{"detail": "…"}` or `{"detail": [{"loc", "msg"}]}`.
struct NodeRefusal: Decodable {
    let message: String
    let hint: String?

    private enum Keys: String, CodingKey { case error, detail }

    private struct Envelope: Decodable {
        var message: String
        var hint: String?
    }

    private struct Fault: Decodable {
        var msg: String
    }

    init(from decoder: any Decoder) throws {
        let fields = try decoder.container(keyedBy: Keys.self)
        if let envelope = try? fields.decode(Envelope.self, forKey: .error) {
            (message, hint) = (envelope.message, envelope.hint)
        } else if let faults = try? fields.decode([Fault].self, forKey: .detail) {
            (message, hint) = (faults.map(\.msg).joined(separator: "; "), nil)
        } else {
            let key: Keys = fields.contains(.error) ? .error : .detail
            (message, hint) = (try fields.decode(String.self, forKey: key), nil)
        }
    }
}

/// What the command line shows of an answer's headers.
package struct NodeAnswerHead: Sendable, Equatable {
    /// Which nodes and layers serve the answer.
    package let route: String?
}

extension NodeClient {
    /// The system's words for a failed call.
    private struct Errno: CustomStringConvertible {
        let description: String

        init(_ error: IOError) {
            description = error.errnoCode == 111 ? "connection refused" : "\(error)"
        }
    }
}
