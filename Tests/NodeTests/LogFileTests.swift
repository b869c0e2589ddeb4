import ShoalTestSupport
import Testing

@testable import Node
@testable import ShoalCommands

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif
#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

@Suite("A daemon's log on disk")
struct LogFileTests {
    private func text(_ path: String) -> String {
        (try? SmallFile.read(path)).map { String(decoding: $0, as: UTF8.self) } ?? ""
    }

    @Test("It is its owner's alone, goes on where it ended, and keeps twice the limit at most")
    func rotation() async throws {
        try await withTemporaryFolder { root in
            let path = root + "/shoal.log"
            for round in 0..<3 {
                let file = LogFile(path: path, limit: 100)
                for line in 0..<20 { file.append(Array("\(round) \(line) ********\n".utf8)) }
                let mode = try permissions(of: path)
                #expect(mode == 0o600)
            }
            let lines = (text(LogFile.former(path)) + text(path)).split(separator: "\n")
            #expect(text(path).utf8.count <= 100 && text(LogFile.former(path)).utf8.count <= 100)
            #expect(lines.last == "2 19 ********" && lines.count > 7)
            #expect(lines.map { $0.split(separator: " ")[1] } == (20 - lines.count..<20).map { "\($0)" })
            // One line larger than the limit is written whole.
            let file = LogFile(path: path, limit: 100)
            file.append(Array(repeating: UInt8(ascii: "x"), count: 500))
            #expect(text(path).utf8.count == 500)
        }
    }

    @Test("Lines of many threads stay whole")
    func threads() async throws {
        try await withTemporaryFolder { root in
            let file = LogFile(path: root + "/shoal.log", limit: 1 << 20)
            await withTaskGroup(of: Void.self) { group in
                for number in 0..<8 {
                    group.addTask {
                        for _ in 0..<200 { file.append(Array("\(number) \(String(repeating: "y", count: 99))\n".utf8)) }
                    }
                }
            }
            let lines = text(root + "/shoal.log").split(separator: "\n")
            #expect(lines.count == 1600 && lines.allSatisfy { $0.utf8.count == 101 })
        }
    }

    @Test("A file that was removed or cut meanwhile is followed, by who writes and by who reads")
    func changed() async throws {
        try await withTemporaryFolder { root in
            let path = root + "/shoal.log"
            let file = LogFile(path: path, limit: 30)
            for number in 0..<3 { file.append(Array("line \(number)\n".utf8)) }
            var tail = try LogTail(path: path, directory: root)
            _ = tail.last(0)
            truncate(path, 0)
            file.append(Array("cut\n".utf8))
            #expect(String(decoding: tail.next(), as: UTF8.self) == "cut\n")
            unlink(path)
            file.append(Array("new\n".utf8))
            #expect(text(path) == "new\n" && text(LogFile.former(path)).isEmpty)
            #expect(String(decoding: tail.next(), as: UTF8.self) == "new\n")
        }
    }

    @Test("A place where nothing can be written, or that is a link, is no reason to stop")
    func noPlace() async throws {
        try await withTemporaryFolder { root in
            LogFile(path: root + "/missing/shoal.log").append([10])
            try SmallFile.write([1, 2], to: root + "/victim")
            try FileManager.default.createSymbolicLink(
                atPath: root + "/shoal.log", withDestinationPath: root + "/victim")
            LogFile(path: root + "/shoal.log").append([10])
            #expect(try SmallFile.read(root + "/victim") == [1, 2])
        }
    }

    @Test("Its end is read over both files, and followed into the next one")
    func tail() async throws {
        try await withTemporaryFolder { root in
            let path = root + "/shoal.log"
            #expect(throws: CommandError.self) { try LogTail(path: path, directory: root) }
            let file = LogFile(path: path, limit: 30)
            func add(_ range: Range<Int>) { for number in range { file.append(Array("line \(number)\n".utf8)) } }
            add(0..<6)
            func last(_ count: Int) throws -> String {
                var tail = try LogTail(path: path, directory: root)
                return String(decoding: tail.last(count), as: UTF8.self)
            }
            #expect(try last(1) == "line 5\n")
            #expect(try last(4) == "line 2\nline 3\nline 4\nline 5\n")
            #expect(try last(100) == "line 0\nline 1\nline 2\nline 3\nline 4\nline 5\n")
            #expect(try last(0) == "")
            var tail = try LogTail(path: path, directory: root)
            _ = tail.last(0)
            #expect(tail.next().isEmpty)
            add(6..<9)
            #expect(String(decoding: tail.next(), as: UTF8.self) == "line 6\nline 7\nline 8\n")
            #expect(tail.next().isEmpty)
        }
    }
}
