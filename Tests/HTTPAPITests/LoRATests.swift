import FoundationEssentials
import HTTPTypes
import HummingbirdTesting
import JSON
import NIOCore
import Testing

@testable import Adapters
@testable import HTTPAPI

@Suite("LoRA files over HTTP")
struct LoRATests {
    private static let admin = "/api/v1/admin/lora"

    @Test("are taken in, named by type, listed, deleted, restored and purged", arguments: ["/api/v1", ""])
    func life(base: String) async throws {
        try await ScriptedNode.serveLoRAs { client, folders in
            let bytes = LoRAFolders.safetensors()
            let stored = try await client.upload(
                "\(base)/admin/lora/upload", [.file("my lora.safetensors", bytes), .field("entity_type", "identities")])
            #expect(stored.status == 200, "\(stored.text)")
            #expect(stored.json["partial_path"]?.string == "identities/my_lora.safetensors")
            #expect(
                stored.json["file_path"]?.string == "\(folders.root)/models/loras/identities/my_lora.safetensors")
            #expect(stored.json["filename"]?.string == "my lora.safetensors")
            #expect(stored.json["file_size"]?.integer == bytes.count)
            #expect(stored.json["entity_type"]?.string == "identities")
            #expect(stored.json["same_as"] == nil)
            #expect(
                FileManager.default.contents(atPath: "\(folders.root)/models/loras/identities/my_lora.safetensors")
                    == Data(bytes))

            let list = try await client.send(.get, "\(base)/admin/lora").json
            #expect(list["files"]?.array?.map { $0["partial_path"]?.string } == ["identities/my_lora.safetensors"])

            let path: JSONValue = ["partial_path": "identities/my_lora.safetensors"]
            let deleted = try await client.send(.delete, "\(base)/admin/lora", path)
            #expect(deleted.status == 200, "\(deleted.text)")
            #expect(deleted.json["deleted"]?.bool == true)
            #expect(deleted.json["full_path"] == stored.json["file_path"])
            #expect(
                deleted.json["bin_path"]?.string
                    == "\(folders.root)/bin/models/loras/identities/my_lora.safetensors")
            try await client.expect(404, .delete, "\(base)/admin/lora", path)

            let bin = try await client.send(.get, "\(base)/admin/lora/bin").json
            #expect(bin["files"]?.array?.map { $0["original_path"]?.string } == ["identities/my_lora.safetensors"])
            let restored = try await client.send(.post, "\(base)/admin/lora/restore", path)
            #expect(restored.json["file_path"] == stored.json["file_path"], "\(restored.text)")
            try await client.expect(404, .post, "\(base)/admin/lora/restore", path)

            try await client.expect(200, .delete, "\(base)/admin/lora", path)
            let purged = try await client.send(.delete, "\(base)/admin/lora/bin", path)
            #expect(purged.json["purged"]?.integer == 1)
            try await client.expect(404, .delete, "\(base)/admin/lora/bin", path)
            #expect(try folders.names("bin/models/loras/identities").isEmpty)
        }
    }

    @Test("come with their fields in any order, and with none but the file")
    func order() async throws {
        try await ScriptedNode.serveLoRAs { client, folders in
            let file = FormField.file("a.safetensors", LoRAFolders.safetensors())
            let type = FormField.field("entity_type", "styles")
            let versioned = FormField.field("use_safe_filename", "false")
            let orders: [[FormField]] = [[file, type, versioned], [type, versioned, file], [versioned, file, type]]
            for (number, fields) in orders.enumerated() {
                let answer = try await client.upload("/api/v1/lora/upload", fields)
                #expect(answer.status == (number == 0 ? 200 : 409), "\(answer.text)")
                if number == 0 { #expect(answer.json["entity_type"] == nil) }
            }
            let bare = try await client.upload("/api/v1/lora/upload", [file])
            #expect(bare.json["partial_path"]?.string == "no_type_provided/a.safetensors")
            let empty = try await client.upload("/api/v1/lora/upload", [.field("entity_type", ""), file])
            #expect(empty.json["partial_path"]?.string == "no_type_provided/a_v2.safetensors")
            #expect(try folders.names("models/loras/styles") == ["a.safetensors"])
        }
    }

    @Test("of the same bytes are told apart by name, and the answer says which file had them before")
    func sameBytes() async throws {
        try await ScriptedNode.serveLoRAs { client, _ in
            let bytes = LoRAFolders.safetensors(7)
            _ = try await client.upload("\(Self.admin)/upload", [.file("one.safetensors", bytes)])
            let second = try await client.upload("\(Self.admin)/upload", [.file("two.safetensors", bytes)])
            #expect(second.json["partial_path"]?.string == "no_type_provided/two.safetensors")
            #expect(second.json["same_as"]?.string == "no_type_provided/one.safetensors")
            // A user is not told what others have.
            let third = try await client.upload("/lora/upload", [.file("three.safetensors", bytes)])
            #expect(third.status == 200 && third.json["same_as"] == nil && third.json["entity_type"] == nil)
            let files = try await client.send(.get, Self.admin).json["files"]?.array ?? []
            #expect(files.map { $0["sha256"]?.string?.utf8.count } == [64, 64, 64])
            #expect(files.first?["sha256"] == files.last?["sha256"])
        }
    }

    /// A form that is refused, the status, and the field that the answer names.
    struct Refusal: CustomTestStringConvertible {
        var path = "/api/v1/lora/upload"
        let fields: [FormField]
        let status: Int
        var field: String?
        var testDescription: String { "\(fields.map(\.name)) \(status) \(field ?? "-")" }
    }

    static let good = FormField.file("a.safetensors", LoRAFolders.safetensors())

    @Test(
        "that cannot be are refused by field, and nothing is left of them",
        arguments: [
            Refusal(fields: [], status: 422, field: "file"),
            Refusal(fields: [.field("entity_type", "styles")], status: 422, field: "file"),
            Refusal(fields: [.field("file", "text")], status: 422, field: "file"),
            Refusal(fields: [.file("", [1])], status: 422, field: "file"),
            Refusal(fields: [.file("a.txt", [1])], status: 422, field: "file"),
            Refusal(fields: [.file("../a.pt", [1])], status: 422, field: "file"),
            Refusal(fields: [.file("a.safetensors", [])], status: 422, field: "file"),
            Refusal(fields: [.file("a.safetensors", Array("rubbish".utf8))], status: 422, field: "file"),
            Refusal(fields: [.file("a.pt", LoRAFolders.safetensors())], status: 422, field: "file"),
            Refusal(fields: [good, .field("entity_type", "animals")], status: 422, field: "entity_type"),
            Refusal(fields: [.field("entity_type", "faces"), good], status: 422, field: "entity_type"),
            Refusal(
                fields: [.field("entity_type", String(repeating: "a", count: 300)), good], status: 422,
                field: "entity_type"),
            Refusal(fields: [good, .field("use_safe_filename", "maybe")], status: 422, field: "use_safe_filename"),
            Refusal(fields: [good, good], status: 422, field: "file"),
            Refusal(
                fields: [.field("entity_type", "styles"), .field("entity_type", "styles"), good], status: 422,
                field: "entity_type"),
            Refusal(fields: [good, .field("other", "1")], status: 422, field: "other"),
            Refusal(fields: [.file("a.safetensors", [UInt8](repeating: 1, count: (1 << 20) + 1))], status: 413),
            Refusal(fields: [.file("a.safetensors", [UInt8](repeating: 1, count: 2 << 20))], status: 413),
        ])
    func refusals(refusal: Refusal) async throws {
        try await ScriptedNode.serveLoRAs { client, folders in
            let answer = try await client.upload(refusal.path, refusal.fields)
            #expect(answer.status == refusal.status, "\(answer.text)")
            if let field = refusal.field {
                #expect(answer.json["detail"]?[0]?["loc"] == ["body", .string(field)], "\(answer.text)")
            } else {
                #expect(answer.json["detail"]?.string != nil, "\(answer.text)")
            }
            #expect(try folders.incoming().isEmpty)
            for type in LoRAType.allCases { #expect(try folders.names("models/loras/\(type.rawValue)").isEmpty) }
        }
    }

    @Test("of faces are for administrators")
    func faces() async throws {
        try await ScriptedNode.serveLoRAs { client, _ in
            let answer = try await client.upload("\(Self.admin)/upload", [.field("entity_type", "faces"), Self.good])
            #expect(answer.json["entity_type"]?.string == "faces", "\(answer.text)")
        }
    }

    @Test(
        "in bodies that are no forms are refused",
        arguments: [
            ("application/json", "{}", 415), ("multipart/form-data", "--a--", 400),
            ("multipart/form-data; boundary=a", "", 400), ("multipart/form-data; boundary=a", "--a\r\n", 400),
            ("multipart/form-data; boundary=a", "--a\r\nX\r\n\r\n--a--", 400),
        ])
    func noForms(type: String, body: String, status: Int) async throws {
        try await ScriptedNode.serveLoRAs { client, folders in
            let answer = try await client.send(
                .post, "/api/v1/lora/upload", text: body, headers: [.contentType: type])
            #expect(answer.status == status, "\(answer.text)")
            #expect(answer.json["detail"]?.string != nil)
            #expect(try folders.incoming().isEmpty)
        }
    }

    @Test("that are announced as too large are refused before they come")
    func announced() async throws {
        try await ScriptedNode.serveLoRAs { client, folders in
            let answer = try await client.raw(
                "POST /lora/upload HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer \(ScriptedNode.key)\r\n"
                    + "Content-Type: multipart/form-data; boundary=a\r\nContent-Length: 99999999999\r\n\r\n")
            #expect(answer.hasPrefix("HTTP/1.1 413"), "\(answer)")
            #expect(answer.lowercased().contains("connection: close"))
            #expect(try folders.incoming().isEmpty)
        }
    }

    @Test("whose client asks first whether to send them are asked for, and refused without where they cannot be")
    func expectation() async throws {
        try await ScriptedNode.serveLoRAs { client, _ in
            let body = LoRATests.body([Self.good])
            let head = { (key: String) in
                "POST /lora/upload HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer \(key)\r\n"
                    + "Content-Type: multipart/form-data; boundary=\(FormField.boundary)\r\nExpect: 100-continue\r\n"
                    + "Content-Length: \(body.count)\r\nConnection: close\r\n\r\n"
            }
            let asked = try await client.raw(head(ScriptedNode.key), then: body)
            #expect(asked.hasPrefix("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200"), "\(asked)")
            let refused = try await client.raw(head("wrong"))
            #expect(refused.hasPrefix("HTTP/1.1 401"), "\(refused)")
        }
    }

    @Test("that stand still are given up, and nothing is left of them")
    func standstill() async throws {
        let limits = LoRAUploadLimits(fileBytes: 1 << 20, patience: .milliseconds(100))
        try await ScriptedNode.serveLoRAs(limits: limits) { client, folders in
            let answer = try await client.raw(
                "POST /lora/upload HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer \(ScriptedNode.key)\r\n"
                    + "Content-Type: multipart/form-data; boundary=a\r\nContent-Length: 10000\r\n\r\n"
                    + "--a\r\nContent-Disposition: form-data; name=file; filename=a.pt\r\n\r\nbegin")
            #expect(answer.hasPrefix("HTTP/1.1 408"), "\(answer)")
            #expect(try folders.incoming().isEmpty)
        }
    }

    @Test("are taken in only so many at once")
    func slots() async throws {
        try await ScriptedNode.serveLoRAs(limits: LoRAUploadLimits(fileBytes: 1 << 20, uploads: 1)) { client, folders in
            let head =
                "POST /lora/upload HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer \(ScriptedNode.key)\r\n"
                + "Content-Type: multipart/form-data; boundary=a\r\nContent-Length: 10000\r\n\r\n"
            try await client.withRawConnection { connection in
                try await connection.send(
                    head + "--a\r\nContent-Disposition: form-data; name=file; filename=a.pt\r\n\r\nbegin")
                while try folders.incoming().isEmpty { await Task.yield() }
                let second = try await client.upload("/lora/upload", [Self.good])
                #expect(second.status == 503, "\(second.text)")
                #expect(second.headers[.retryAfter] != nil)
            }
            // The first client has gone away.
            while try !folders.incoming().isEmpty { await Task.yield() }
            var answer = try await client.upload("/lora/upload", [Self.good])
            while answer.status == 503 { answer = try await client.upload("/lora/upload", [Self.good]) }
            #expect(answer.status == 200, "\(answer.text)")
        }
    }

    @Test("that the disk has no room for get 507")
    func fullDisk() async throws {
        try await ScriptedNode().serve { client in
            let answer = try await client.upload("/lora/upload", [Self.good])
            #expect(answer.status == 507, "\(answer.text)")
        }
    }

    @Test("come in pages of the wanted type")
    func pages() async throws {
        try await ScriptedNode.serveLoRAs { client, _ in
            for (number, type) in ["styles", "clothes", "styles", "product", "styles"].enumerated() {
                _ = try await client.upload(
                    "\(Self.admin)/upload",
                    [
                        .field("entity_type", type),
                        .file("f\(number).safetensors", LoRAFolders.safetensors(UInt8(number))),
                    ])
            }
            var seen: [String] = []
            var query = "limit=2"
            for _ in 0..<10 {
                let page = try await client.send(.get, "\(Self.admin)?\(query)").json
                seen += page["files"]?.array?.compactMap { $0["partial_path"]?.string } ?? []
                guard let next = page["next"]?.string else { break }
                query = "limit=2&after=\(next)"
            }
            #expect(
                seen == [
                    "clothes/f1.safetensors", "product/f3.safetensors", "styles/f0.safetensors",
                    "styles/f2.safetensors", "styles/f4.safetensors",
                ])
            let styles = try await client.send(.get, "\(Self.admin)?entity_type=styles").json
            #expect(styles["files"]?.array?.count == 3)
            for query in ["entity_type=animals", "entity_type=", "after=x", "limit=0", "limit=1001", "other=1"] {
                try await client.expect(422, .get, "\(Self.admin)?\(query)")
            }
        }
    }

    @Test(
        "are not deleted, restored or purged by what is no path",
        arguments: [
            [:], ["partial_path": ""], ["partial_path": "styles"], ["partial_path": "../api_key"],
            ["partial_path": "styles/../../x.pt"], ["partial_path": 5], ["partial_path": .null],
            ["partial_path": "styles/a.pt", "other": 1],
        ] as [JSONValue])
    func badPaths(body: JSONValue) async throws {
        try await ScriptedNode.serveLoRAs { client, _ in
            try await client.expect(422, .delete, Self.admin, body)
            try await client.expect(422, .post, "\(Self.admin)/restore", body)
            try await client.expect(422, .delete, "\(Self.admin)/bin", body)
        }
    }

    @Test("in the bin go all at once only where that is said, and restoring never replaces a file")
    func bin() async throws {
        try await ScriptedNode.serveLoRAs { client, folders in
            for byte in 1...2 as ClosedRange<UInt8> {
                _ = try await client.upload(
                    "/lora/upload", [.file("a.safetensors", LoRAFolders.safetensors(byte))])
                try await client.expect(
                    200, .delete, Self.admin, ["partial_path": "no_type_provided/a.safetensors"])
            }
            _ = try await client.upload("/lora/upload", [.file("a.safetensors", LoRAFolders.safetensors(3))])
            try await client.expect(
                409, .post, "\(Self.admin)/restore",
                ["partial_path": "no_type_provided/a.safetensors", "use_safe_filename": false])
            let restored = try await client.send(
                .post, "\(Self.admin)/restore", ["partial_path": "no_type_provided/a_v2.safetensors"])
            #expect(restored.json["partial_path"]?.string == "no_type_provided/a_v2.safetensors")
            try await client.expect(422, .delete, "\(Self.admin)/bin", [:])
            try await client.expect(
                422, .delete, "\(Self.admin)/bin", ["all": true, "partial_path": "no_type_provided/a.safetensors"])
            #expect(try folders.names("bin/models/loras/no_type_provided") == ["a.safetensors"])
            #expect(try await client.send(.delete, "\(Self.admin)/bin", ["all": true]).json["purged"]?.integer == 1)
            #expect(try await client.send(.delete, "\(Self.admin)/bin", ["all": true]).json["purged"]?.integer == 0)
        }
    }

    @Test("are in the audit log whenever somebody changes them, or tries to")
    func audited() async throws {
        try await ScriptedNode.serveLoRAs { client, _ in
            let path: JSONValue = ["partial_path": "styles/a.safetensors"]
            let form = [Self.good, .field("entity_type", "styles")]
            _ = try await client.upload("/lora/upload", form)
            _ = try await client.upload("/lora/upload", form + [.field("use_safe_filename", "false")])
            _ = try await client.upload("/lora/upload", [.file("a.pt", [1])])
            try await client.expect(200, .delete, Self.admin, path)
            try await client.expect(404, .delete, Self.admin, path)
            try await client.expect(200, .post, "\(Self.admin)/restore", path)
            try await client.expect(404, .delete, "\(Self.admin)/bin", path)
            let log = try await client.send(.get, "/admin/api/audit").json["entries"]?.array ?? []
            let seen = log.reversed().map { entry in
                ["action", "subject", "outcome"].map { entry[$0]?.string ?? "-" }.joined(separator: " ")
            }
            #expect(
                seen == [
                    "lora.upload lora styles/a.safetensors done", "lora.upload lora styles/a.safetensors refused",
                    "lora.upload lora no_type_provided/a.pt refused", "lora.delete lora styles/a.safetensors done",
                    "lora.delete lora styles/a.safetensors refused", "lora.restore lora styles/a.safetensors done",
                    "lora.purge lora styles/a.safetensors refused",
                ])
        }
    }

    @Test("are each named in the audit log when the bin is emptied")
    func auditedPurge() async throws {
        try await ScriptedNode.serveLoRAs { client, _ in
            let names = (1...3).map { "no_type_provided/f\($0).safetensors" }
            for (name, byte) in zip(names, 1...) {
                let file = FormField.file("f\(byte).safetensors", LoRAFolders.safetensors(UInt8(byte)))
                _ = try await client.upload("/lora/upload", [file])
                try await client.expect(200, .delete, Self.admin, ["partial_path": .string(name)])
            }
            #expect(try await client.send(.delete, "\(Self.admin)/bin", ["all": true]).json["purged"]?.integer == 3)
            let log = try await client.send(.get, "/admin/api/audit").json["entries"]?.array ?? []
            let purged = log.filter { $0["action"]?.string == "lora.purge" }.map { $0["subject"]?.string }
            #expect(purged.reversed() == names.map { "lora \($0)" })
        }
    }

    @Test("are called by their whole names in the audit log, however long")
    func auditedNames() async throws {
        try await ScriptedNode.serveLoRAs { client, _ in
            let name = "Watercolour_Sketches-SDXL_Realistic-Vision_v2-Final-Release"
            for _ in 0..<2 {
                let answer = try await client.upload(
                    "/lora/upload", [.file("\(name).safetensors", LoRAFolders.safetensors())])
                #expect(answer.status == 200, "\(answer.text)")
            }
            let path = "no_type_provided/\(name)_v2.safetensors"
            try await client.expect(200, .delete, Self.admin, ["partial_path": .string(path)])
            let log = try await client.send(.get, "/admin/api/audit").json["entries"]?.array ?? []
            #expect(
                log.map { $0["subject"]?.string } == [
                    "lora \(path)", "lora \(path)", "lora no_type_provided/\(name).safetensors",
                ])
            #expect(log.first?["details"]?["bin_path"]?.string == path, "\(log)")
            #expect(log.dropFirst().first?["details"]?["same_as"]?.string == "no_type_provided/\(name).safetensors")
        }
    }

    @Test(
        "say where a fault in a request is",
        arguments: [
            ("entity_type=animals", "entity_type"), ("after=x", "after"), ("limit=0", "limit"), ("other=1", "other"),
            ("limit=1&limit=2", "limit"), ("a.b=1", "a.b"),
        ])
    func places(query: String, field: String) async throws {
        try await ScriptedNode.serveLoRAs { client, _ in
            let list = try await client.send(.get, "\(Self.admin)?\(query)")
            #expect(list.status == 422)
            #expect(list.json["detail"]?[0]?["loc"] == ["query", .string(field)], "\(list.text)")
            let deletion = try await client.send(.delete, Self.admin, ["partial_path": "x"])
            #expect(deletion.json["detail"]?[0]?["loc"] == ["body", "partial_path"], "\(deletion.text)")
        }
    }

    static func body(_ fields: [FormField]) -> [UInt8] {
        form(
            fields.map { SeenPart($0.name, fileName: $0.fileName, $0.content) }, boundary: FormField.boundary)
    }
}

/// A field of a form that a test sends.
struct FormField: Sendable {
    static let boundary = "----shoal-test"

    let name: String
    var fileName: String?
    let content: [UInt8]

    static func field(_ name: String, _ value: String) -> FormField {
        FormField(name: name, content: Array(value.utf8))
    }

    static func file(_ fileName: String, _ content: [UInt8]) -> FormField {
        FormField(name: "file", fileName: fileName, content: content)
    }
}

extension ContractClient {
    /// Sends a form with the node key.
    func upload(
        _ path: String, _ fields: [FormField], sourceLocation: SourceLocation = #_sourceLocation
    ) async throws -> Answer {
        let headers: HTTPFields = [
            .contentType: "multipart/form-data; boundary=\"\(FormField.boundary)\"",
            .authorization: "Bearer \(ScriptedNode.key)",
        ]
        let response = try await client.executeRequest(
            uri: path, method: .post, headers: headers, body: ByteBuffer(bytes: LoRATests.body(fields)))
        let answer = Answer(
            status: response.status.code, headers: response.headers, text: String(buffer: response.body))
        #expect(contract.problems(method: "POST", path: path, answer: answer) == [], sourceLocation: sourceLocation)
        return answer
    }
}
