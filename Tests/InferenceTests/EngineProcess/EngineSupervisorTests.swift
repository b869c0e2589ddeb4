import Generation
import Inference
import Link
import Logging
import ShoalTestSupport
import Testing

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

struct EngineSupervisorTests {
    /// Runs `body` with a supervisor whose engine program is the given shell script; without one it does not exist.
    private func withSupervisor<Result: Sendable>(
        script: String?, log: LogRecorder? = nil,
        _ body: @escaping @Sendable (EngineSupervisor, _ folder: String) async throws -> Result
    ) async throws -> Result {
        try await withTemporaryFolder { folder in
            let program = "\(folder)/shoal-engine"
            if let script {
                try Data("#!/bin/sh\n\(script)\n".utf8).write(to: URL(filePath: program))
                try FileManager.default.setAttributes([.posixPermissions: 0o700], ofItemAtPath: program)
            }
            var settings = InferenceSettings(socketDirectory: "\(folder)/run")
            settings.engineBinary = program
            let credentials = try CurrentCredentials(LinkCredentials(identity: NodeIdentity(), swarm: SwarmKey()))
            let supervisor = EngineSupervisor(
                settings: settings, credentials: credentials,
                logger: log?.logger ?? Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
            return try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await supervisor.run() }
                defer { group.cancelAll() }
                return try await body(supervisor, folder)
            }
        }
    }

    @Test func `a program that is not there is named`() async throws {
        try await withSupervisor(script: nil) { supervisor, folder in
            let engine = try await supervisor.engine(model: "m", paths: ["/m.gguf"])
            let error = await #expect(throws: InferenceError.self) { _ = try await engine.connection() }
            #expect(error?.code == .engineMissing)
            #expect(error?.message.contains("\(folder)/shoal-engine") == true)
        }
    }

    @Test func `an engine that ends while it starts fails everyone who waits for it, and may be tried again`()
        async throws
    {
        try await withSupervisor(script: "echo started >> \"$(dirname \"$0\")/log\"; exit 3") { supervisor, folder in
            let engine = try await supervisor.engine(model: "m", paths: ["/m.gguf"])
            await withTaskGroup(of: InferenceError?.self) { group in
                for _ in 0..<3 {
                    group.addTask {
                        await #expect(throws: InferenceError.self) { _ = try await engine.connection() }
                    }
                }
                for await error in group { #expect(error?.code == .engineFailed) }
            }
            _ = await #expect(throws: InferenceError.self) { _ = try await engine.connection() }
            let log = try String(contentsOfFile: "\(folder)/log", encoding: .utf8)
            #expect(log.split(separator: "\n").count == 2)
        }
    }

    @Test(arguments: [("exit 7", "exit status 7"), ("kill -SEGV $$", "signal 11")])
    func `why an engine ended is logged as a warning, with its status and its last lines`(end: String, status: String)
        async throws
    {
        let log = LogRecorder()
        let script = "for i in $(seq 1 30); do echo \"line $i of all\" >&2; done; \(end)"
        try await withSupervisor(script: script, log: log) { supervisor, _ in
            let engine = try await supervisor.engine(model: "m", paths: ["/m.gguf"])
            _ = await #expect(throws: InferenceError.self) { _ = try await engine.connection() }
            let line = try #require(log.lines.first { $0.text.hasPrefix("the engine ended") })
            #expect(line.level == .warning)
            #expect(line.text.contains("status=\(status)"), "\(line.text)")
            #expect(line.text.contains("line 11 of all | line 12 of all"), "\(line.text)")
            #expect(line.text.contains("line 30 of all"))
            #expect(!line.text.contains("line 10 of all"))
        }
    }

    @Test func `an engine learns who it is from the first line of its standard input`() async throws {
        let script =
            "read -r line; printf %s \"$line\" > \"$(dirname \"$0\")/line\"; echo \"$@\" > \"$(dirname \"$0\")/arguments\""
        try await withSupervisor(script: script) { supervisor, folder in
            let engine = try await supervisor.engine(model: "a-model", paths: ["/m.gguf"])
            _ = await #expect(throws: InferenceError.self) { _ = try await engine.connection() }
            let line = try Data(contentsOf: URL(filePath: "\(folder)/line"))
            struct Introduction: Decodable {
                let credentials: LinkCredentials
                let listen: String
            }
            #expect(try JSONDecoder().decode(Introduction.self, from: line).listen == "0.0.0.0")
            let arguments = try String(contentsOfFile: "\(folder)/arguments", encoding: .utf8)
            #expect(arguments.hasPrefix("--socket \(folder)/run/"))
            #expect(arguments.contains("--model-name a-model"))
        }
    }

    @Test func `stopping a supervisor ends an engine that ignores everything`() async throws {
        let script = "trap '' TERM; echo $$ > \"$(dirname \"$0\")/pid\"; while :; do sleep 1; done"
        let begin = ContinuousClock.now
        try await withSupervisor(script: script) { supervisor, folder in
            let engine = try await supervisor.engine(model: "m", paths: ["/m.gguf"])
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { _ = try? await engine.connection() }
                while !FileManager.default.fileExists(atPath: "\(folder)/pid") {
                    try await Task.sleep(for: .milliseconds(10))
                }
                await supervisor.stopAll()
                try await group.waitForAll()
            }
        }
        #expect(begin.duration(to: .now) < .seconds(9))
    }
}

struct RestartPauseTests {
    @Test func `the first end is forgiven, further ones wait twice as long each time, up to half a minute`() {
        var pause = RestartPause()
        let now = ContinuousClock.now
        #expect(pause.delay(now: now) == .zero)
        var delays: [Duration] = []
        for _ in 0..<10 {
            pause.ended(after: .seconds(1), now: now)
            delays.append(pause.delay(now: now))
        }
        #expect(delays[0] == .zero && delays[1] == .milliseconds(250) && delays[2] == .milliseconds(500))
        #expect(delays[9] == .seconds(30))
        #expect(pause.delay(now: now.advanced(by: .seconds(20))) == .seconds(10))
    }

    @Test func `what ran well for a while starts from the beginning`() {
        var pause = RestartPause()
        for _ in 0..<5 { pause.ended(after: .zero, now: .now) }
        pause.ended(after: .seconds(60), now: .now)
        #expect(pause.delay(now: .now) == .zero)
    }
}

struct EngineLogLineTests {
    @Test(arguments: [
        ("2026-01-01T00:00:00+0000 warning engine.m: [x] odd", Logger.Level.warning, "engine.m: [x] odd"),
        ("error: no such file", .error, "no such file"),
        ("2026-01-01T00:00:00+0000 info engine.m: fine", .info, "engine.m: fine"),
        ("[WARN] odd", .warning, "odd"), ("info", .info, ""),
        (
            "llama_model_load: an error later in the line is no level", .debug,
            "llama_model_load: an error later in the line is no level"
        ),
        ("", .debug, ""),
    ])
    func `lines carry the level that they name`(line: String, level: Logger.Level, text: String) {
        #expect(EngineLogLine(line) == EngineLogLine(level: level, text: text))
    }
}
