import ShoalTestSupport
import Testing

@testable import Node

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif
#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

@Suite struct DataDirectoryTests {
    @Test func `the directory is made with its parents, for its owner alone`() async throws {
        try await withTemporaryFolder { root in
            let directory = DataDirectory(path: root + "/a/b")
            try directory.create()
            try directory.create()
            #expect(try permissions(of: directory.path) == 0o700)
        }
    }

    @Test func `a directory whose place a file has cannot be made`() async throws {
        try await withTemporaryFolder { root in
            try SmallFile.write([], to: root + "/a")
            let error = try #require(throws: NodeError.self) { try DataDirectory(path: root + "/a/b").create() }
            #expect(error.code == .dataDirectory)
        }
    }

    @Test func `what a killed daemon had not put in place goes, and nothing else`() async throws {
        try await withTemporaryFolder { root in
            let directory = DataDirectory(path: root)
            let kept = ["api_key", "notes.new", "run.json", "shoal.sqlite"]
            for name in kept + ["api_key.17.new", "run.json.300623305.new"] {
                try SmallFile.write([1], to: "\(root)/\(name)")
            }
            directory.removeLeftovers()
            #expect(try FileManager.default.contentsOfDirectory(atPath: root).sorted() == kept)
        }
    }

    @Test func `what other users could read or change is closed to them, and said so once`() async throws {
        try await withTemporaryFolder { root in
            let directory = DataDirectory(path: root)
            let wide: [(String, mode_t, Int)] = [
                (directory.path, 0o755, 0o700), (directory.apiKey, 0o644, 0o600), (directory.settings, 0o664, 0o600),
                (directory.jwtKey, 0o640, 0o600), (directory.database, 0o602, 0o600),
            ]
            for (file, mode, _) in wide {
                if file != root { try SmallFile.write([1], to: file) }
                #expect(chmod(file, mode) == 0)
            }
            try SmallFile.write([1], to: root + "/notes")
            try SmallFile.write([1], to: directory.identityKey)
            #expect(chmod(root + "/notes", 0o644) == 0)
            let sentences = try directory.closeToOthers()
            #expect(sentences.count == wide.count)
            #expect(sentences.contains { $0.hasPrefix("\(directory.apiKey) was open to other users") })
            for (file, _, mode) in wide { #expect(try permissions(of: file) == mode, "\(file)") }
            #expect(try permissions(of: root + "/notes") == 0o644)
            #expect(try directory.closeToOthers().isEmpty)
        }
    }

    @Test func `a directory that no node has been in stays as it is`() async throws {
        try await withTemporaryFolder { root in
            #expect(chmod(root, 0o755) == 0)
            let sentences = try DataDirectory(path: root).closeToOthers()
            let mode = try permissions(of: root)
            #expect(sentences.isEmpty && mode == 0o755)
        }
    }

    @Test func `settings that others can change are refused, since they name commands`() async throws {
        try await withTemporaryFolder { root in
            let file = root + "/shoal.yaml"
            try SmallFile.write(Array("log:\n  level: debug\n".utf8), to: file)
            func code(_ configurationFile: String?) -> SettingsError.Code? {
                do {
                    _ = try Settings.load(
                        flags: ["node.data_dir": root], environment: [:], configurationFile: configurationFile)
                    return nil
                } catch {
                    return (error as? SettingsError)?.code
                }
            }
            for configurationFile in [nil, file] {
                for mode in [0o600, 0o644, 0o664] as [mode_t] {
                    #expect(chmod(file, mode) == 0)
                    #expect(code(configurationFile) == nil)
                }
                for mode in [0o666, 0o602] as [mode_t] {
                    #expect(chmod(file, mode) == 0)
                    #expect(code(configurationFile) == .untrustedFile)
                }
            }
            guard geteuid() == 0 else { return }
            #expect(chmod(file, 0o600) == 0 && chown(file, 12345, 12345) == 0)
            #expect(code(nil) == .untrustedFile && code(file) == .untrustedFile)
        }
    }

    @Test func `a second lock is refused by the process that has the first, until that is given back`() async throws {
        try await withTemporaryFolder { root in
            let directory = DataDirectory(path: root)
            #expect(!directory.isInUse)
            do {
                let lock = try directory.lock()
                #expect(directory.isInUse)
                let error = try #require(throws: NodeError.self) { _ = try directory.lock() }
                #expect(error.code == .alreadyRunning)
                #expect(error.message.contains("process \(getpid())"))
                _ = consume lock
            }
            #expect(!directory.isInUse)
            _ = try directory.lock()
        }
    }

    @Test func `the key is made once, with 64 hexadecimal digits that only the owner reads`() async throws {
        try await withTemporaryFolder { root in
            let directory = DataDirectory(path: root)
            #expect(try APIKeyFile.load(in: directory) == nil)
            let key = try APIKeyFile.loadOrCreate(in: directory)
            #expect(key.count == 64 && key.allSatisfy(\.isHexDigit))
            #expect(try APIKeyFile.loadOrCreate(in: directory) == key)
            #expect(try permissions(of: directory.apiKey) == 0o600)
            let other = DataDirectory(path: root + "/other")
            try other.create()
            #expect(try APIKeyFile.loadOrCreate(in: other) != key)
        }
    }

    @Test(arguments: ["", "abc", String(repeating: "g", count: 64), String(repeating: "0", count: 65)])
    func `a key file with something else in it is refused, not overwritten`(content: String) async throws {
        try await withTemporaryFolder { root in
            let directory = DataDirectory(path: root)
            try SmallFile.write(Array(content.utf8), to: directory.apiKey)
            let error = try #require(throws: NodeError.self) { try APIKeyFile.loadOrCreate(in: directory) }
            #expect(error.code == .badKeyFile)
            #expect(try SmallFile.read(directory.apiKey) == Array(content.utf8))
        }
    }

    @Test func `a run record counts only while a daemon has the lock`() async throws {
        try await withTemporaryFolder { root in
            let directory = DataDirectory(path: root)
            let record = RunRecord(processID: getpid(), url: "http://127.0.0.1:1", swarmPort: 2, version: "3")
            try record.write(in: directory)
            #expect(RunRecord.running(in: directory) == nil)
            let lock = try directory.lock()
            #expect(RunRecord.running(in: directory) == record)
            RunRecord.remove(in: directory)
            #expect(RunRecord.running(in: directory) == nil)
            _ = consume lock
        }
    }

    @Test func `a file past its limit is refused before it fills the memory`() async throws {
        try await withTemporaryFolder { root in
            try SmallFile.write([UInt8](repeating: 1, count: 200_000), to: root + "/big")
            #expect(try SmallFile.read(root + "/big").count == 200_000)
            #expect(throws: (any Error).self) { try SmallFile.read(root + "/big", limit: 1000) }
        }
    }
}
