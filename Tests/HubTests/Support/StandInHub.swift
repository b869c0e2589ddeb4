import AsyncHTTPClient
import Hub
import Logging
import NIOCore
import NIOHTTP1
import Subprocess
import SystemPackage
import Testing

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// A running stand-in for the hub (`Tests/StandInHub`), with repositories of its own.
struct StandInHub: Sendable {
    /// The token that it accepts.
    static let token = "hf_token_of_the_tests"

    let url: String
    let root: String

    /// A request that reached it.
    struct Request: Decodable, Sendable {
        /// `hub` or `store`.
        var host: String
        var method: String
        var path: String
        var range: String?
        var token: Bool
        var status: Int
        /// Bytes of the body.
        var sent: Int
    }

    /// Puts a fault in force, as `Tests/StandInHub/faults.py` describes them.
    func fault(_ json: String) async throws {
        _ = try await control("faults", json)
    }

    func reset() async throws {
        _ = try await control("reset", "{}")
    }

    /// All requests so far, in the order of their arrival.
    func requests() async throws -> [Request] {
        try JSONDecoder().decode([Request].self, from: Data(await control("requests", nil)))
    }

    /// The ranges that the file store was asked for.
    func ranges() async throws -> [String] {
        try await requests().filter { $0.host == "store" }.map { $0.range ?? "all" }
    }

    private func control(_ action: String, _ body: String?) async throws -> [UInt8] {
        var request = HTTPClientRequest(url: "\(url)/__stand-in/\(action)")
        if let body {
            request.method = .POST
            request.body = .bytes(ByteBuffer(string: body))
        }
        let answer = try await HTTPClient.shared.execute(request, timeout: .seconds(20))
        let content = Array(try await answer.body.collect(upTo: 16 << 20).readableBytesView)
        try #require(answer.status == .ok, "\(String(decoding: content, as: UTF8.self))")
        return content
    }

    /// A configuration for this hub that loses patience within moments.
    func configuration(token: String? = nil) throws -> HubConfiguration {
        var configuration = HubConfiguration()
        configuration.endpoint = try HubEndpoint(url)
        configuration.token = try token.map { try HubToken($0) }
        configuration.stallLimit = .milliseconds(400)
        configuration.answerLimit = .seconds(10)
        configuration.firstPause = .milliseconds(2)
        configuration.longestPause = .milliseconds(20)
        configuration.maximumAttempts = 4
        return configuration
    }

    /// Runs `body` with a client of this hub.
    func withClient<Result: Sendable>(
        token: String? = nil, _ change: (inout HubConfiguration) -> Void = { _ in },
        _ body: (HubClient) async throws -> Result
    ) async throws -> Result {
        var configuration = try configuration(token: token)
        change(&configuration)
        return try await HubClient.with(configuration, logger: Logger(label: "hub-tests"), body)
    }
}

/// Starts a stand-in hub with these files, runs `body` beside it, and stops it.
///
/// - Parameters:
///   - files: contents by `owner/name/path`.
///   - facts: JSON by `owner/name`: downloads, likes, tags, gated, private.
func withStandInHub<Result: Sendable>(
    files: [String: [UInt8]], facts: [String: String] = [:], flags: [String] = [],
    _ body: (StandInHub) async throws -> Result
) async throws -> Result {
    let root = FileManager.default.temporaryDirectory.path() + "shoal-hub-\(UUID().uuidString.prefix(8))"
    try FileManager.default.createDirectory(atPath: root, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: root) }
    for (path, content) in files {
        let file = URL(filePath: "\(root)/\(path)")
        try FileManager.default.createDirectory(
            at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
        try Data(content).write(to: file)
    }
    for (repository, json) in facts { try Data(json.utf8).write(to: URL(filePath: "\(root)/\(repository).json")) }

    let script = #filePath.split(separator: "/").dropLast(3).reduce(into: "") { $0 += "/" + $1 } + "/StandInHub/hub.py"
    let arguments = [script, "--root", root, "--token", StandInHub.token] + flags
    let result = try await run(
        .name("python3"), arguments: Arguments(arguments), input: .inputWriter, output: .sequence,
        error: .fileDescriptor(.standardError, closeAfterSpawningProcess: false)
    ) { execution in
        var lines = execution.standardOutput.strings().makeAsyncIterator()
        let line = try #require(try await lines.next(), "the stand-in hub did not start")
        let url = line.trimmingPrefix("listening on ").filter { !$0.isNewline }
        do {
            let result = try await body(StandInHub(url: String(url), root: root))
            try await execution.standardInputWriter.finish()
            return result
        } catch {
            try? await execution.standardInputWriter.finish()
            throw error
        }
    }
    #expect(result.terminationStatus.isSuccess, "the stand-in hub ended with \(result.terminationStatus)")
    return result.closureResult
}
