import JSON
import ShoalTestSupport
import Testing

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

extension EndToEnd {
    /// The command line beside a running node.
    @Suite struct CommandTests {
        @Test func `status, peers, models, invite and doctor speak JSON`() async throws {
            try await withNode(.whole) { node in
                for command in [["status"], ["peers"], ["models"], ["models", "list"], ["invite"], ["doctor"]] {
                    let run = try await CommandRun.shoal(command + ["--json", "--data-dir", node.dataDirectory])
                    #expect(run.status == 0, "\(command): \(run.errors) \(run.output)")
                    #expect(throws: Never.self) { try JSONValue(parsing: run.output) }
                    let text = try await CommandRun.shoal(command + ["--data-dir", node.dataDirectory])
                    #expect(text.status == 0, "\(command): \(text.errors) \(text.output)")
                }
            }
        }

        @Test func `chat streams an answer, and says route and speed on standard error`() async throws {
            try await withNode(.whole) { node in
                let expected = try await node.ask("What is Shoal?").text
                let arguments = ["What is Shoal?", "--temperature", "0", "--max-tokens", "64"]
                let run = try await CommandRun.shoal(
                    ["chat", DemoModel.id] + arguments + ["--data-dir", node.dataDirectory])
                #expect(run.status == 0, "\(run.errors)")
                #expect(run.output == expected + "\n")
                #expect(run.errors.contains("route") && run.errors.contains("tokens/s"))
                let json = try await CommandRun.shoal(
                    ["chat", DemoModel.id] + arguments + ["--json"],
                    environment: ["SHOAL_URL": node.url, "SHOAL_API_KEY": node.apiKey])
                #expect(try JSONValue(parsing: json.output)["content"]?.string == expected)
            }
        }

        @Test func `chat takes one argument that is no model for a question, and never ends as if all were well`()
            async throws
        {
            try await withNode(.whole) { node in
                func chat(_ arguments: [String]) async throws -> CommandRun {
                    try await CommandRun.shoal(
                        ["chat"] + arguments + [
                            "--temperature", "0", "--max-tokens", "64", "--data-dir", node.dataDirectory,
                        ])
                }
                let expected = try await node.ask("What is Shoal?").text
                #expect(try await chat(["What is Shoal?"]).output == expected + "\n")
                let json = try await chat(["What is Shoal?", "--json"])
                #expect(try JSONValue(parsing: json.output)["content"]?.string == expected)
                for nothing in [["chat"], ["chat", DemoModel.id]] {
                    let run = try await chat(Array(nothing.dropFirst()))
                    #expect(run.status == 1 && run.errors.contains("nothing was asked"), "\(run.errors)")
                }
                let unknown = try await chat(["qwen3:8b"])
                #expect(unknown.status == 1 && unknown.errors.contains("has no model qwen3:8b"), "\(unknown.errors)")
                #expect(unknown.errors.contains("there is \(DemoModel.id)"))
            }
        }

        @Test func `a model that is imported beside a running node is served without a restart`() async throws {
            try await withNode { node in
                try await DemoModel.import(into: node.dataDirectory, shards: "all")
                _ = try await eventually("the node notices the model", within: .seconds(10)) {
                    try await node.get("/v1/models")["data"]?[0]?["id"]?.string == DemoModel.id ? true : nil
                }
                #expect(try await !node.ask("What is Shoal?").text.isEmpty)
            }
        }

        @Test func `models load and unload say what they did`() async throws {
            try await withNode(.whole) { node in
                let load = try await CommandRun.shoal([
                    "models", "load", DemoModel.id, "--data-dir", node.dataDirectory,
                ])
                #expect(load.status == 0, "\(load.errors)")
                let last = try await DemoModel.shardCount(on: node) - 1
                #expect(load.output == "\(DemoModel.id): shards 0-\(last) loaded\n")
                #expect(try await node.get("/api/admin/models")[0]?["status"]?.string == "loaded")
                let unload = try await CommandRun.shoal([
                    "models", "unload", DemoModel.id, "--data-dir", node.dataDirectory,
                ])
                #expect(unload.status == 0, "\(unload.errors)")
                #expect(try await node.get("/api/admin/models")[0]?["status"]?.string == "ready")
                let unknown = try await CommandRun.shoal([
                    "models", "load", "nothing", "--data-dir", node.dataDirectory,
                ])
                #expect(unknown.status == 1 && unknown.errors.hasPrefix("error: "))
            }
        }

        @Test func `rm deletes shards and models, unless answers are made with them`() async throws {
            try await withNode(.whole) { node in
                let last = try await DemoModel.shardCount(on: node) - 1
                let path = "/api/admin/models/\(DemoModel.id)"
                var statuses: [Int] = []
                try await node.stream("/v1/completions", DemoPrompts.long("A shoal", tokens: 900)) { _, _ in
                    for path in [path, path + "/shards/1"] {
                        statuses.append(try await node.request(.delete, path).status)
                    }
                    return false
                }
                #expect(statuses == [503, 503])
                let all = try await node.get("/api/admin/models")[0]?["hosted_shards"]?.integer
                #expect(all == last + 1)
                let remove = { (arguments: [String]) in
                    try await CommandRun.shoal(["rm", DemoModel.id, "--data-dir", node.dataDirectory] + arguments)
                }
                _ = try await eventually("the session is freed") {
                    try await remove(["--shards", "1"]).status == 0 ? true : nil
                }
                #expect(try await node.get("/api/admin/models")[0]?["shards"]?[1]?["local"]?.bool == false)
                #expect(try await remove(["--shards", "1"]).status == 1, "it is gone already")
                let whole = try await remove([])
                #expect(whole.output == "\(DemoModel.id): deleted\n", "\(whole.errors)")
                #expect(try await node.get("/api/admin/models").array?.isEmpty == true)
                #expect(FileManager.default.fileExists(atPath: BuildProducts.demoModel))
                #expect(try await remove([]).status == 1)
                #expect(try await node.request(.delete, "/api/admin/models/..%2F..%2Fetc").status == 400)
            }
        }

        @Test func `every command says of a model that is not there the same, and which one may be meant`() async throws
        {
            try await withNode(.whole) { node in
                let name = String(DemoModel.id.dropLast())
                for command in [
                    ["bench", name], ["chat", name], ["chat", name, "hello?"], ["models", "load", name],
                    ["models", "unload", name],
                    ["models", "lock", name], ["show", name], ["rm", name], ["stop", name],
                ] {
                    let run = try await CommandRun.shoal(command + ["--data-dir", node.dataDirectory])
                    #expect(run.status == 1 && run.output.isEmpty, "\(command): \(run)")
                    #expect(
                        run.errors
                            == "error: \(node.url) has no model \(name)\n  hint: did you mean \(DemoModel.id)?\n",
                        "\(command)")
                }
            }
        }

        @Test func `what was imported in part stays in part, until all of it is imported`() async throws {
            try await withDataDirectory { directory in
                func take(_ arguments: String...) async throws {
                    let run = try await CommandRun.shoal(
                        [
                            "import", BuildProducts.demoModel, "--model-id", DemoModel.id, "--data-dir", directory,
                            "--shard-size-mb", "1",
                        ]
                            + arguments)
                    try #require(run.status == 0, "\(run.errors)")
                }
                func limit() async throws -> Int? {
                    try await withNode(NodeSetup(name: "heron"), in: directory) { node in
                        let policy = try await node.get("/api/admin/models/\(DemoModel.id)/auto-manage")
                        #expect(policy["enabled"]?.bool == true)
                        return policy["max_shards"]?.integer
                    }
                }
                try await take("--shards", "0")
                var limits = [try await limit()]
                try await take("--shards", "2")
                limits.append(try await limit())
                try await take()
                limits.append(try await limit())
                #expect(limits == [1, 2, 0])
            }
        }

        @Test func `bench measures prompt and answer`() async throws {
            try await withNode(.whole) { node in
                let run = try await CommandRun.shoal([
                    "bench", DemoModel.id, "--json", "--prompt-tokens", "64", "--tokens", "16", "--rounds", "2",
                    "--sessions", "2", "--data-dir", node.dataDirectory,
                ])
                #expect(run.status == 0, "\(run.errors)")
                let result = try JSONValue(parsing: run.output)
                #expect(result["decode_tokens_per_second"]?.double ?? 0 > 0)
                #expect(result["prompt_tokens_per_second"]?.double ?? 0 > 0)
            }
        }

        @Test func `a wrong key is told from a missing node`() async throws {
            try await withNode { node in
                let wrong = try await CommandRun.shoal(["invite", "--url", node.url, "--api-key", "wrong"])
                #expect(wrong.status == 1)
                #expect(wrong.errors.contains("key"), "\(wrong.errors)")
            }
            let missing = try await CommandRun.shoal(["status", "--url", "http://127.0.0.1:9"])
            #expect(missing.status == 1)
            #expect(missing.errors.contains("no node answers at http://127.0.0.1:9"))
        }

        @Test(arguments: [["serve", "--port", "99999"], ["nonsense"], ["chat", "a", "b", "--temperature", "9"]])
        func `a command line that makes no sense ends with 64`(arguments: [String]) async throws {
            let run = try await CommandRun.shoal(arguments)
            #expect(run.status == 64)
            #expect(run.errors.hasPrefix("error: "), "\(run.errors)")
            #expect(run.output.isEmpty)
        }

        @Test func `help and version end with 0`() async throws {
            let version = try await CommandRun.shoal(["--version"])
            #expect(version.status == 0 && version.output.split(separator: ".").count == 3)
            #expect(try await CommandRun.shoal(["--help"]).status == 0)
        }
    }
}
