import Acquisition
import Foundation
import ShoalTestSupport
import Testing

@Suite struct ModelOriginTests {
    @Test func `an origin is written and read, and leaves nothing else behind`() async throws {
        try await withTemporaryFolder { folder in
            let origin = ModelOrigin(
                repository: "owner/na.me-x_1", file: "a/b/model-00001-of-00002.gguf", revision: "refs/pr/1",
                projector: "mmproj.gguf")
            #expect(try OriginFile.read(in: folder) == nil)
            try OriginFile.write(ModelOrigin(repository: "a/b", file: "c.gguf"), in: folder)
            try OriginFile.write(origin, in: folder)
            #expect(try OriginFile.read(in: folder) == origin)
            #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == ["hf_source.json"])
        }
    }

    @Test(arguments: [
        "", "nonsense", "[]", "{}", #"{"repo_id":"a/b"}"#, #"{"repo_id":"a","filename":"x.gguf"}"#,
        #"{"repo_id":"a/../b","filename":"x.gguf"}"#, #"{"repo_id":"a/b","filename":"../x.gguf"}"#,
        String(repeating: " ", count: 70_000),
    ])
    func `a file that says nothing usable is a typed error`(text: String) async throws {
        try await withTemporaryFolder { folder in
            try Data(text.utf8).write(to: URL(fileURLWithPath: folder + "/hf_source.json"))
            let error = try #require(throws: AcquisitionError.self) { try OriginFile.read(in: folder) }
            #expect(error.code == .badOrigin)
            #expect(error.message.contains(folder + "/hf_source.json"))
        }
    }

    @Test func `a folder that is not there is a typed error`() throws {
        let error = try #require(throws: AcquisitionError.self) {
            try OriginFile.write(ModelOrigin(repository: "a/b", file: "c.gguf"), in: "/nonexistent/folder")
        }
        #expect(error.code == .fileSystem)
    }

    @Test(
        arguments: [
            ("a", "x.gguf", nil, "repo_id"), ("a/b/c", "x.gguf", nil, "repo_id"), ("/b", "x.gguf", nil, "repo_id"),
            ("a/", "x.gguf", nil, "repo_id"), ("../b", "x.gguf", nil, "repo_id"), ("a/..", "x.gguf", nil, "repo_id"),
            ("a/b?x=1", "x.gguf", nil, "repo_id"), ("a/b\n", "x.gguf", nil, "repo_id"),
            ("ä/b", "x.gguf", nil, "repo_id"),
            ("a/b", "", nil, "filename"), ("a/b", "x.bin", nil, "filename"), ("a/b", "/x.gguf", nil, "filename"),
            ("a/b", ".gguf", nil, "filename"), ("a/b", "a//x.gguf", nil, "filename"),
            ("a/b", "a/../x.gguf", nil, "filename"), ("a/b", "a\\x.gguf", nil, "filename"),
            ("a/b", "a\u{0}.gguf", nil, "filename"), ("a/b", "x\u{85}.gguf", nil, "filename"),
            ("a/b", "x.gguf", "", "revision"), ("a/b", "x.gguf", "a b", "revision"),
            ("a/b", "x.gguf", "../..", "revision"),
        ] as [(String, String, String?, String)])
    func `what cannot be an origin is refused by field`(
        repository: String, file: String, revision: String?, field: String
    ) throws {
        let error = try #require(throws: AcquisitionError.self) {
            _ = try ModelOrigin(checking: repository, file: file, revision: revision)
        }
        #expect(error.code == .badOrigin)
        #expect(error.field == field)
        #expect(!error.message.unicodeScalars.contains { $0.value < 32 })
    }
}
