import AsyncHTTPClient
import JSON
import NIOCore
import NIOHTTP1
import ShoalCommands
import Testing

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// A running node, as its clients see it.
struct TestNode: Sendable {
    let name: String
    let dataDirectory: String
    let processID: Int32
    let url: String
    let apiKey: String
    let swarmPort: Int

    enum Method: String, Sendable { case get = "GET", post = "POST", put = "PUT", delete = "DELETE" }

    /// An answer to a request.
    struct Answer: Sendable {
        let status: Int
        /// Which nodes and layers served it.
        let route: String
        let body: [UInt8]

        var json: JSONValue { get throws { try JSONValue(parsing: body) } }
    }

    /// The node's id, 64 hexadecimal digits.
    var id: String {
        get async throws { try await get("/api/admin/stats")["node_id"]?.string ?? "" }
    }

    /// Processes of engines that the node started, those that prepare prompts left out.
    var engines: [Int32] {
        ProcessTable.children(of: processID).filter { !ProcessTable.arguments(of: $0).contains("--prepare") }
    }

    /// Processes that prepare prompts.
    var preparers: [Int32] {
        ProcessTable.children(of: processID).filter { ProcessTable.arguments(of: $0).contains("--prepare") }
    }

    // MARK: - Requests

    func request(
        _ method: Method, _ path: String, _ body: JSONValue? = nil, within limit: Duration = .seconds(60)
    ) async throws -> Answer {
        let response = try await execute(method, path, body, within: limit)
        let bytes = Array(try await response.body.collect(upTo: 64 << 20).readableBytesView)
        return Answer(status: Int(response.status.code), route: response.route, body: bytes)
    }

    /// Reads JSON from a path that must answer 200.
    func get(_ path: String) async throws -> JSONValue {
        let answer = try await request(.get, path)
        try #require(answer.status == 200, "\(path): \(String(decoding: answer.body, as: UTF8.self))")
        return try answer.json
    }

    /// Posts JSON to a path that must answer 200.
    func post(_ path: String, _ body: JSONValue? = nil, within limit: Duration = .seconds(60)) async throws -> JSONValue
    {
        let answer = try await request(.post, path, body, within: limit)
        try #require(answer.status == 200, "\(path): \(String(decoding: answer.body, as: UTF8.self))")
        return try answer.json
    }

    /// Posts JSON and hands each event of the stream to `onEvent` until that answers false; then the connection closes.
    ///
    /// - Returns: the answer's route.
    @discardableResult
    func stream(
        _ path: String, _ body: JSONValue, within limit: Duration = .seconds(60),
        onEvent: (JSONValue, _ route: String) async throws -> Bool
    ) async throws -> String {
        let response = try await execute(.post, path, body, within: limit)
        if response.status != .ok {
            let text = String(buffer: try await response.body.collect(upTo: 1 << 20))
            try #require(response.status == .ok, "\(path): \(text)")
        }
        var parser = ServerSentEventParser()
        for try await buffer in response.body {
            for event in parser.feed(buffer.readableBytesView) where event != "[DONE]" {
                guard try await onEvent(JSONValue(parsing: event), response.route) else { return response.route }
            }
        }
        return response.route
    }

    private func execute(
        _ method: Method, _ path: String, _ body: JSONValue?, within limit: Duration
    ) async throws -> HTTPClientResponse {
        var request = HTTPClientRequest(url: url + path)
        request.method = HTTPMethod(rawValue: method.rawValue)
        request.headers.add(name: "authorization", value: "Bearer \(apiKey)")
        // The shared client refuses what was compressed to a 25th, as long lists are.
        request.headers.add(name: "accept-encoding", value: "identity")
        if let body {
            request.headers.add(name: "content-type", value: "application/json")
            request.body = .bytes(ByteBuffer(bytes: body.serializedBytes()))
        }
        return try await HTTPClient.shared.execute(request, timeout: .init(limit))
    }

    // MARK: - Disturbances

    /// Ends the daemon at once, as a power cut does.
    func kill() { ProcessTable.signal(processID, SIGKILL) }

    /// Stops the daemon and its engines from running, without ending them.
    func freeze() {
        for process in [processID] + engines + preparers { ProcessTable.signal(process, SIGSTOP) }
    }
}

extension HTTPClientResponse {
    /// Which nodes and layers serve the answer.
    fileprivate var route: String { headers.first(name: "x-shoal-route") ?? "" }
}
