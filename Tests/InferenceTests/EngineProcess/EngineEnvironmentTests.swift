import Foundation
import Link
import Logging
import ShoalTestSupport
import SwiftProtobuf
import Testing

@testable import Inference

/// What a process of the engine program is given, and what it gave up.
struct EngineEnvironmentTests {
    @Test(arguments: [
        ("PATH", true), ("HOME", true), ("LANG", true), ("LC_ALL", true), ("TZ", true), ("TMPDIR", true),
        ("LD_LIBRARY_PATH", true), ("CUDA_VISIBLE_DEVICES", true), ("HIP_VISIBLE_DEVICES", true),
        ("ROCR_VISIBLE_DEVICES", true),
        ("GGML_CUDA_NO_PINNED", true), ("OMP_NUM_THREADS", true), ("GOMP_SPINCOUNT", true),
        ("NVIDIA_VISIBLE_DEVICES", true),
        ("SHOAL_ENGINE_EXTRA", true), ("HF_TOKEN", false), ("AWS_SECRET_ACCESS_KEY", false), ("AWS_PROFILE", false),
        ("OPENAI_API_KEY", false), ("SHOAL_ENGINE_TOKEN", false), ("CUDA_SECRET", false), ("GGML_KEY", false),
        ("SHOAL_ADMIN_PASSWORD", false), ("LD_PRELOAD", false), ("SSH_AUTH_SOCK", false), ("EDITOR", false),
        ("", false),
    ])
    func `variables are passed on by name`(name: String, isPassedOn: Bool) {
        #expect(EngineEnvironment.isPassedOn(name) == isPassedOn)
    }

    #if os(Linux)
        /// Fields of a process's status, as the kernel gives them.
        private func status(_ process: Int32) throws -> [String: String] {
            let text = try String(contentsOfFile: "/proc/\(process)/status", encoding: .utf8)
            return Dictionary(
                text.split(separator: "\n").compactMap { line in
                    line.firstIndex(of: ":").map { (String(line[..<$0]), line[line.index(after: $0)...].trimmed) }
                }, uniquingKeysWith: { first, _ in first })
        }

        @Test(arguments: [EngineRole.compute, .preparation])
        func `both processes have few variables, no new privileges, no core files, and a filter of system calls`(
            role: EngineRole
        ) async throws {
            setenv("SHOAL_TEST_HF_TOKEN", "a-secret-of-the-daemon", 1)
            try await withEngine(role) { connection in
                let environment = try #require(
                    FileManager.default.contents(atPath: "/proc/\(connection.processID)/environ"))
                let text = String(decoding: environment, as: UTF8.self)
                #expect(text.contains("PATH="))
                #expect(!text.contains("a-secret-of-the-daemon"))
                let status = try status(connection.processID)
                #expect(status["NoNewPrivs"] == "1")
                if status["Seccomp"] != nil { #expect(status["Seccomp"] == "2") }
                let limits = try String(contentsOfFile: "/proc/\(connection.processID)/limits", encoding: .utf8)
                let core = limits.split(separator: "\n").first { $0.hasPrefix("Max core file size") }
                #expect(core?.split(separator: " ").suffix(3).first == "0")
            }
        }

        @Test(arguments: [EngineRole.compute, .preparation])
        func `both processes read their model and no other file`(role: EngineRole) async throws {
            struct FirstLine: Encodable {
                let credentials: LinkCredentials
                let listen = "127.0.0.1"
                let logLevel = "info"
                let paths: [String]
            }
            try await withTemporaryFolder { folder in
                let (own, other, report) = ("\(folder)/own/model.gguf", "\(folder)/other.gguf", "\(folder)/stderr")
                try FileManager.default.createDirectory(atPath: "\(folder)/own", withIntermediateDirectories: true)
                for path in [own, other] { try FileManager.default.copyItem(atPath: TestNode.modelPath, toPath: path) }
                _ = FileManager.default.createFile(atPath: report, contents: nil)
                let process = Process()
                let (input, output) = (Pipe(), Pipe())
                process.executableURL = URL(filePath: try EngineBinary.find(configured: nil))
                process.arguments = ["--socket", "\(folder)/run/socket"] + role.arguments
                process.standardInput = input
                process.standardOutput = output
                process.standardError = try FileHandle(forWritingTo: URL(filePath: report))
                try process.run()
                defer {
                    process.terminate()
                    process.waitUntilExit()
                }
                let credentials = try LinkCredentials(identity: NodeIdentity(), swarm: SwarmKey())
                try input.fileHandleForWriting.write(
                    contentsOf: JSONEncoder().encode(FirstLine(credentials: credentials, paths: [own])) + [0x0A])
                var said = ""
                while !said.contains("ready"), let bytes = try output.fileHandleForReading.read(upToCount: 1) {
                    said += String(decoding: bytes, as: UTF8.self)
                }
                let channel = try await LinkChannel.connect(to: .socket(path: "\(folder)/run/socket"), loop: .shared)
                let refusal = await #expect(throws: (any Error).self) {
                    _ = try await channel.engine.openModel(.with { $0.paths = ["\(folder)/nowhere.gguf"] })
                }
                #expect(refusal != nil)
                // The kernel may have no Landlock, which the process says.
                if !(try String(contentsOfFile: report, encoding: .utf8)).contains("no Landlock") {
                    await #expect(throws: (any Error).self) {
                        _ = try await channel.engine.openModel(.with { $0.paths = [other] })
                    }
                }
                #expect(try await channel.engine.openModel(.with { $0.paths = [own] }).layerCount > 0)
            }
        }
    #endif

    /// Runs `body` with a process of the demo model.
    private func withEngine(
        _ role: EngineRole, _ body: @escaping @Sendable (EngineConnection) async throws -> Void
    ) async throws {
        try await withTemporaryFolder { folder in
            var settings = InferenceSettings(socketDirectory: "\(folder)/run")
            settings.engineListenHost = "127.0.0.1"
            let supervisor = EngineSupervisor(
                settings: settings,
                credentials: try CurrentCredentials(LinkCredentials(identity: NodeIdentity(), swarm: SwarmKey())),
                role: role,
                logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await supervisor.run() }
                defer { group.cancelAll() }
                let engine = try await supervisor.engine(model: "shoal-demo", paths: [TestNode.modelPath])
                try await body(try await engine.connection())
            }
        }
    }
}

extension Substring {
    fileprivate var trimmed: String { String(drop { " \t".contains($0) }) }
}
