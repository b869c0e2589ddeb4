import GGUF
import Identifiers
import JSON
import ModelLibrary
import Testing

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif
/// A download as `GET /api/admin/downloads` shows it.
struct ShownDownload: Sendable, CustomStringConvertible {
    /// `downloading`, `complete`, `failed`, …
    let state: String
    /// Why it is paused or failed; empty otherwise.
    let reason: String
    /// The shards that it has brought.
    let complete: Set<Int>
    let json: JSONValue

    init(_ json: JSONValue) {
        self.json = json
        let named = json["state"]?.entries.first
        state = json["state"]?.string ?? named?.key ?? ""
        reason = named?.value["reason"]?.string ?? ""
        let shards = json["shard_details"]?.array ?? []
        complete = Set(shards.filter { $0["state"]?.string == "complete" }.compactMap { $0["index"]?.integer })
    }

    /// Whether nothing more happens by itself.
    var isOver: Bool { ["complete", "failed", "cancelled"].contains(state) }

    var description: String { json.serialized() }
}

extension TestNode {
    /// Asks for shards of a file on the hub; nil: all.
    func pull(
        _ repository: String, _ file: String, shards: [Int]? = nil, within limit: Duration = .seconds(60)
    ) async throws -> Answer {
        let wanted: (String, JSONValue) =
            if let shards { ("shards", .array(shards.map { .integer($0) })) } else { ("all_shards", true) }
        return try await request(
            .post, "/api/admin/hf/download-shards",
            .object([("repo_id", .string(repository)), ("filename", .string(file)), wanted]), within: limit)
    }

    /// The latest download of a model; nil where there is none.
    func download(of model: String) async throws -> ShownDownload? {
        let downloads = try await get("/api/admin/downloads")["downloads"]?.array ?? []
        return downloads.first { $0["model_id"]?.string == model }.map(ShownDownload.init)
    }

    /// Waits until a download of a model has come to an end.
    func outcome(of model: String, within limit: Duration = .seconds(30)) async throws -> ShownDownload {
        try await eventually("the download of \(model) ends", within: limit, every: .milliseconds(100)) {
            guard let download = try await self.download(of: model), download.isOver else { return nil }
            return download
        }
    }

    /// The shards of a model that the node says it holds; nil where it does not know the model.
    func localShards(of model: String) async throws -> Set<Int>? {
        let models = try await get("/api/admin/models").array ?? []
        guard let shown = models.first(where: { $0["id"]?.string == model }) else { return nil }
        let local = (shown["shards"]?.array ?? []).filter { $0["local"]?.bool == true }
            .compactMap { $0["index"]?.integer }
        #expect(shown["hosted_shards"]?.integer == local.count)
        return Set(local)
    }

    /// Checks that exactly these shards of a model are held, and that each byte of them on the disk is that of `file`.
    func expectHolds(
        _ shards: Set<Int>, of model: String, like file: [UInt8], _ comment: Comment? = nil,
        sourceLocation: SourceLocation = #_sourceLocation
    ) async throws {
        let local = try await localShards(of: model)
        #expect((local ?? []) == shards, comment, sourceLocation: sourceLocation)
        guard let local, !local.isEmpty else { return }
        let folder = "\(dataDirectory)/models/\(model)"
        let manifest = try ModelManifest(
            json: try #require(
                FileManager.default.contents(atPath: "\(folder)/\(ModelManifest.fileName)"),
                sourceLocation: sourceLocation))
        let part = try #require(manifest.parts.first, sourceLocation: sourceLocation)
        let stored = try #require(
            FileManager.default.contents(atPath: "\(folder)/\(part.name)"), sourceLocation: sourceLocation)
        #expect(stored.count == file.count, comment, sourceLocation: sourceLocation)
        for shard in manifest.shards where local.contains(shard.index.rawValue) {
            let isSame = shard.ranges.allSatisfy { range in
                let bytes = Int(range.offset)..<Int(range.end)
                guard bytes.upperBound <= min(stored.count, file.count) else { return false }
                // Data compares memory; element by element takes a debug build half a second per file.
                return stored[bytes] == Data(file[bytes])
            }
            #expect(isSame, "shard \(shard.index) of \(model) is held with other bytes", sourceLocation: sourceLocation)
        }
    }
}
