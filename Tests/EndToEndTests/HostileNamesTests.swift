import JSON
import ShoalTestSupport
import Testing

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

extension EndToEnd {
    /// Names and numbers that no node may follow: `Tests/hostile-requests.jsonl`.
    @Suite struct HostileNamesTests {
        private static func requests() throws -> [JSONValue] {
            let text = try String(contentsOfFile: BuildProducts.root + "/Tests/hostile-requests.jsonl", encoding: .utf8)
            return try text.split(separator: "\n").map { try JSONValue(parsing: String($0)) }
        }

        @Test func `names that lead astray are refused, and touch nothing on the disk`() async throws {
            let requests = try Self.requests()
            #expect(requests.count >= 60)
            let folder = FileManager.default.temporaryDirectory.path() + "shoal-e2e-\(UUID().uuidString.prefix(8))"
            defer { try? FileManager.default.removeItem(atPath: folder) }
            // Two steps above the models' folders there is something to lose.
            let data = folder + "/outside/data"
            try FileManager.default.createDirectory(atPath: folder + "/outside/etc", withIntermediateDirectories: true)
            for file in ["passwd", "outside/etc/passwd", "outside/demo.gguf", "outside/secret"] {
                try Data("untouched".utf8).write(to: URL(filePath: folder + "/" + file))
            }
            try await DemoModel.import(into: data, shards: "0-1")
            try await withNode(NodeSetup(), in: data) { node in
                let before = try DiskPicture(of: folder, leavingContentsOf: data)
                for request in requests {
                    let method = try #require(request["method"]?.string.flatMap(TestNode.Method.init(rawValue:)))
                    let path = try #require(request["path"]?.string)
                    let answer = try await node.request(method, path, request["body"])
                    let text = String(decoding: answer.body, as: UTF8.self)
                    #expect((400..<500).contains(answer.status), "\(request["why"] ?? nil): \(answer.status) \(text)")
                }
                let after = try DiskPicture(of: folder, leavingContentsOf: data)
                #expect(after.outside == before.outside)
                #expect(after.inside == before.inside)
                let models = try await node.get("/api/admin/models")
                #expect(models[0]?["hosted_shards"] == 2)
            }
        }
    }
}

/// What lies in a folder: of what is outside a data directory also the contents, of what is inside only the names, for the
/// node goes on writing its database.
private struct DiskPicture {
    var outside: [String: Data?] = [:]
    var inside: Set<String> = []

    init(of folder: String, leavingContentsOf data: String) throws {
        for path in try FileManager.default.subpathsOfDirectory(atPath: folder).map({ folder + "/" + $0 }) {
            if path.hasPrefix(data + "/") {
                inside.insert(path)
            } else if !path.hasPrefix(data) {
                // Nil for folders; beside the data directory lies the log of the node, which has its name and grows.
                outside[path] = FileManager.default.contents(atPath: path)
            }
        }
    }
}
