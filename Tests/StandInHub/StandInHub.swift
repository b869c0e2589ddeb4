import AsyncHTTPClient
import NIOCore
import NIOHTTP1
import Subprocess
import SystemPackage

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// A running stand-in for the hub (`hub.py`), with repositories of its own.
package struct StandInHub: Sendable {
    /// The token that it accepts.
    package static let token = "hf_token_of_the_tests"

    package let url: String
    package let root: String

    /// A request that reached it.
    package struct Request: Decodable, Sendable {
        /// `hub` or `store`.
        package var host: String
        package var method: String
        package var path: String
        package var range: String?
        package var token: Bool
        package var status: Int
        /// Bytes of the body.
        package var sent: Int
    }

    /// What the stand-in did not do.
    package struct Failure: Error, CustomStringConvertible {
        package let description: String
    }

    /// Puts a fault in force, as `faults.py` describes them.
    package func fault(_ json: String) async throws {
        _ = try await control("faults", json)
    }

    package func reset() async throws {
        _ = try await control("reset", "{}")
    }

    /// All requests so far, in the order of their arrival.
    package func requests() async throws -> [Request] {
        try JSONDecoder().decode([Request].self, from: Data(await control("requests", nil)))
    }

    /// The ranges that the file store was asked for.
    package func ranges() async throws -> [String] {
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
        guard answer.status == .ok else {
            throw Failure(description: "\(action): \(answer.status) \(String(decoding: content, as: UTF8.self))")
        }
        return content
    }
}

/// Starts a stand-in hub with these files, runs `body` beside it, and stops it.
///
/// - Parameters:
///   - files: contents by `owner/name/path`.
///   - facts: JSON by `owner/name`: downloads, likes, tags, gated, private.
package func withStandInHub<Result: Sendable>(
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

    let script = #filePath.split(separator: "/").dropLast().reduce(into: "") { $0 += "/" + $1 } + "/hub.py"
    let arguments = [script, "--root", root, "--token", StandInHub.token] + flags
    let result = try await run(
        .name("python3"), arguments: Arguments(arguments), input: .inputWriter, output: .sequence,
        error: .fileDescriptor(.standardError, closeAfterSpawningProcess: false)
    ) { execution in
        var lines = execution.standardOutput.strings().makeAsyncIterator()
        guard let line = try await lines.next() else {
            throw StandInHub.Failure(description: "the stand-in hub did not start")
        }
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
    guard result.terminationStatus.isSuccess else {
        throw StandInHub.Failure(description: "the stand-in hub ended with \(result.terminationStatus)")
    }
    return result.closureResult
}
