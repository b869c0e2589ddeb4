import ArgumentParser
import Logging
import Testing

@testable import Node
@testable import ShoalCommands

@Suite struct CommandLineTests {
    @Test(arguments: [
        ["serve", "--port", "65536"], ["serve", "--port", "x"], ["serve", "--join", "nonsense"],
        ["serve", "--log-level", "loud"], ["serve", "now"], ["nonsense"], ["--nonsense"], ["join"],
        ["join", "http://x"],
        ["status", "--url", "nonsense"], ["status", "--url", "ftp://x"], ["peers", "--json", "--quiet"],
        ["chat", "m", "q", "--temperature", "3"], ["chat", "m", "--json"], ["chat", "m", "q", "--max-tokens", "0"],
        ["models", "load"], ["models", "load", "m", "--shards", "3-1"], ["models", "load", "m", "--shards", "a"],
        ["bench"], ["bench", "m", "--sessions", "0"], ["bench", "m", "--tokens", "1"], ["import"],
        ["import", "a.gguf", "--shard-size-mb", "0"], ["import", "a.gguf", "--shards", "1-"],
        ["import", "a.gguf", "--model-id", "Not An Id"], ["user", "add"], ["user", "add", "ada", "--tokens", "-1"],
        ["user", "grant", "ada"], ["user", "grant", "ada", "0"], ["user", "set", "ada"],
        ["user", "set", "ada", "--role", "king"], ["user", "set", "ada", "--activate", "--deactivate"],
        ["user", "show", "ada", "--limit", "0"], ["token", "add"], ["token", "remove", "x"],
    ])
    func `a command line that makes no sense is a usage error`(arguments: [String]) throws {
        let error = try #require(throws: (any Error).self) { try ShoalCommand.parseAsRoot(arguments) }
        #expect(ShoalCommand.exitCode(for: error) == .validationFailure)
        #expect(ShoalCommand.exitCode(for: error).rawValue == 64)
    }

    @Test(arguments: [["--help"], ["help", "serve"], ["serve", "--help"], ["models", "load", "-h"], ["--version"]])
    func `help and version are no errors`(arguments: [String]) throws {
        let error = try #require(throws: (any Error).self) {
            var command = try ShoalCommand.parseAsRoot(arguments)
            try command.run()
        }
        #expect(ShoalCommand.exitCode(for: error) == .success)
    }

    @Test func `a command that fails ends with 1`() async {
        // Port 9 is the discard service's: nothing listens there, and nothing may.
        #expect(await ShoalCommand.outcome(of: ["status", "--url", "http://127.0.0.1:9", "--api-key", "k"]) == 1)
    }

    @Test func `the help names every command`() {
        let help = ShoalCommand.helpMessage(columns: 100)
        for command in [
            "serve", "import", "join", "invite", "status", "peers", "models", "chat", "bench", "doctor",
            "user", "token", "login", "logout", "me", "leave", "ping", "train", "jobs", "list", "show", "ps",
            "logs",
        ] {
            #expect(
                help.split(separator: "\n").contains {
                    $0.hasPrefix("  \(command) ") || $0.hasPrefix("  \(command), ")
                }, "\(command)")
        }
    }

    @Test(arguments: [
        "serve", "import", "join", "invite", "status", "peers", "models", "chat", "bench", "doctor",
    ])
    func `every command says in one sentence what it does`(name: String) throws {
        let command = try command(named: name)
        let abstract = command.configuration.abstract
        #expect(abstract.hasSuffix(".") && abstract.count <= 90, "\(abstract)")
    }

    @Test(arguments: ["status", "invite", "peers", "models", "chat", "bench", "doctor", "join"])
    func `every command that prints data can print JSON`(name: String) throws {
        let help = ShoalCommand.helpMessage(for: try command(named: name), columns: 100)
        #expect(
            help.contains("list (default)") || help.contains("list, ls (default)") || help.contains("--json"), "\(help)"
        )
    }

    @Test func `flags of serve become settings`() throws {
        let command = try #require(
            try ShoalCommand.parseAsRoot([
                "serve", "--data-dir", "/d", "--host", "::1", "--port", "0", "--swarm-host", "127.0.0.1",
                "--swarm-port", "1", "--join", "swarm://abc", "--log-level", "debug", "--log-format", "json",
            ]) as? ServeCommand)
        let settings = try Settings.load(flags: command.flags, environment: ["HOME": "/nowhere"])
        #expect(settings.node.dataDirectory == "/d")
        #expect(settings.api.host == "::1" && settings.api.port == 0)
        #expect(settings.swarm.host == "127.0.0.1" && settings.swarm.port == 1)
        #expect(settings.swarm.joinCode == "swarm://abc")
        #expect(settings.log == .init(level: .debug, format: .json))
    }

    private func command(named name: String) throws -> any ParsableCommand.Type {
        try #require(
            ShoalCommand.configuration.groupedSubcommands.flatMap(\.subcommands)
                .first { $0.configuration.commandName == name })
    }

    @Test(
        "A mistyped command is told what it may have been",
        arguments: [
            (["modles"], "shoal", "models"), (["serv"], "shoal", "serve"), (["Chat"], "shoal", "chat"),
            (["imprt", "x.gguf"], "shoal", "import"), (["models", "lod"], "shoal models", "load"),
            (["user", "ad", "bob"], "shoal user", "add"), (["xyzzy"], "shoal", nil), (["s"], "shoal", nil),
            ([String(repeating: "a", count: 100_000)], "shoal", nil),
        ] as [([String], String, String?)])
    func mistyped(arguments: [String], parent: String, suggestion: String?) throws {
        let mistyped = try #require(MistypedCommand(in: arguments, of: ShoalCommand.self))
        #expect(mistyped.parent == parent)
        #expect(mistyped.suggestion == suggestion)
        #expect(mistyped.message.utf8.count < 120)
    }

    @Test(
        "What is a command, an option or an argument is not mistyped",
        arguments: [[], ["--versoin"], ["models"], ["models", "load", "nope"], ["chat", "modles"], ["help", "chat"]])
    func typedRight(arguments: [String]) {
        #expect(MistypedCommand(in: arguments, of: ShoalCommand.self) == nil)
    }
}
