import Accounts
import Generation
import HTTPTypes
import Inference
import JSON
import Testing

@testable import HTTPAPI

@Suite("Paths of the machine")
struct MachinePathsTests {
    @Test(
        "are taken out of a text, and addresses are not",
        arguments: [
            ("cannot open /var/lib/x/models/demo/demo.gguf: no such file", "cannot open demo.gguf: no such file"),
            ("“/opt/my data/models/a_b/x.gguf” is damaged", "“x.gguf” is damaged"),
            ("the folder /opt/my data is full.", "the folder … is full."),
            ("/opt/my data", "…"), ("(/tmp/run/engine-1.sock)", "(engine-1.sock)"), ("file:/root", "file:…"),
            ("/home/ada/.config, /etc", "…, …"), ("at /dev/shm/x.bin.", "at x.bin."),
            ("GET /openapi.yaml lists /v1/models/{id}", "GET /openapi.yaml lists /v1/models/{id}"),
            ("https://example.com/home/ada", "https://example.com/home/ada"),
            ("a/b and 1/2 and /", "a/b and 1/2 and /"),
            ("there is no folder /pictures/2024", "there is no folder /pictures/2024"),
            ("/homepage /optional /rooted", "/homepage /optional /rooted"), ("", ""),
        ])
    func texts(text: String, expected: String) {
        #expect(MachinePaths(folders: ["/opt/my data", "", "/"]).hidden(in: text) == expected)
    }

    @Test("are told to administrators alone, in errors and in errors of streams", arguments: [false, true])
    func errors(streamed: Bool) async throws {
        let accounts = ScriptedNode.accounts()
        let user = try await RequestSharesTests.add("bob", .user, to: accounts)
        var node = ScriptedNode()
        node.services.accounts = accounts
        node.configuration.machineFolders = ["/data/shoal"]
        node.generate = { _ in
            let error = InferenceError(
                .engineFailed, "cannot map /data/shoal/models/demo/x.gguf", hint: "look at /data/shoal/log")
            guard streamed else { throw error }
            return GenerationStream(
                AsyncThrowingStream { continuation in
                    continuation.yield(ScriptedNode.started)
                    continuation.finish(throwing: error)
                })
        }
        try await node.serve { client in
            let question = ChatCompletionTests.question(("stream", .bool(streamed)))
            let theirs = try await client.send(.post, "/v1/chat/completions", question, key: user)
            #expect(theirs.text.contains("cannot map x.gguf"))
            #expect(!theirs.text.contains("/data"))
            let mine = try await client.send(.post, "/v1/chat/completions", question)
            #expect(mine.text.contains("/data/shoal/models/demo/x.gguf"))
        }
    }
}
