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
        try await withTemporaryDirectory { root in
            let directory = DataDirectory(path: root + "/a/b")
            try directory.create()
            try directory.create()
            #expect(try permissions(of: directory.path) == 0o700)
        }
    }

    @Test func `a directory whose place a file has cannot be made`() async throws {
        try await withTemporaryDirectory { root in
            try SmallFile.write([], to: root + "/a")
            let error = try #require(throws: NodeError.self) { try DataDirectory(path: root + "/a/b").create() }
            #expect(error.code == .dataDirectory)
        }
    }

    @Test func `what a killed daemon had not put in place goes, and nothing else`() async throws {
        try await withTemporaryDirectory { root in
            let directory = DataDirectory(path: root)
            let kept = ["api_key", "notes.new", "run.json", "shoal.sqlite"]
            for name in kept + ["api_key.17.new", "run.json.300623305.new"] {
                try SmallFile.write([1], to: "\(root)/\(name)")
            }
            directory.removeLeftovers()
            #expect(try FileManager.default.contentsOfDirectory(atPath: root).sorted() == kept)
        }
    }

    @Test func `a second lock is refused by the process that has the first, until that is given back`() async throws {
        try await withTemporaryDirectory { root in
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
        try await withTemporaryDirectory { root in
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
        try await withTemporaryDirectory { root in
            let directory = DataDirectory(path: root)
            try SmallFile.write(Array(content.utf8), to: directory.apiKey)
            let error = try #require(throws: NodeError.self) { try APIKeyFile.loadOrCreate(in: directory) }
            #expect(error.code == .badKeyFile)
            #expect(try SmallFile.read(directory.apiKey) == Array(content.utf8))
        }
    }

    @Test func `a run record counts only while a daemon has the lock`() async throws {
        try await withTemporaryDirectory { root in
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
        try await withTemporaryDirectory { root in
            try SmallFile.write([UInt8](repeating: 1, count: 200_000), to: root + "/big")
            #expect(try SmallFile.read(root + "/big").count == 200_000)
            #expect(throws: (any Error).self) { try SmallFile.read(root + "/big", limit: 1000) }
        }
    }
}
