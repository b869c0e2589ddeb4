import Foundation
import Testing

@testable import Files

struct FileListingTests {
    @Test("a folder shows names, sizes and folders, and follows the links that stay inside")
    func shape() throws {
        try withFiles { files in
            let page = try files.root.list("", limit: 100)
            #expect(page.next == nil)
            #expect(
                page.items.map(\.name) == [
                    "a.txt", "data", "empty", "in", "in-absolute", "in-file", "to-root", "to-root-absolute",
                    "up-and-back",
                ])
            let items = Dictionary(uniqueKeysWithValues: page.items.map { ($0.name, $0) })
            #expect(items["a.txt"] == FileItem(name: "a.txt", path: "/a.txt", isFolder: false, sizeBytes: 1))
            #expect(items["data"] == FileItem(name: "data", path: "/data", isFolder: true, sizeBytes: 0))
            #expect(items["in"] == FileItem(name: "in", path: "/in", isFolder: true, sizeBytes: 0))
            #expect(items["in-file"] == FileItem(name: "in-file", path: "/in-file", isFolder: false, sizeBytes: 1024))
            #expect(try files.root.list("empty", limit: 1).items.isEmpty)
            let inner = try files.root.list("in", limit: 10)
            #expect(inner.path == "/in")
            #expect(inner.items.map(\.path) == ["/in/deep", "/in/one.bin", "/in/up"])
        }
    }

    @Test("every path of a listing leads back to what it shows")
    func paths() throws {
        try withFiles { files in
            var ahead = ["/"]
            var seen = 0
            while let path = ahead.popLast(), seen < 200 {
                for item in try files.root.list(path, limit: 100).items {
                    seen += 1
                    if item.isFolder {
                        #expect(try files.root.list(item.path, limit: 1).path == item.path)
                        if item.path.split(separator: "/").count < 4 { ahead.append(item.path) }
                    } else {
                        #expect(files.code(item.path) == .notAFolder)
                    }
                }
            }
            #expect(seen > 30)
        }
    }

    @Test("pages of any size make up the whole list, in the order of the bytes", arguments: [1, 7, 99, 100, 101])
    func pages(limit: Int) throws {
        try withFiles { files in
            let folder = files.rootPath + "/many"
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
            // Names that Unicode holds for equal, of both cases, and longer ones.
            let names = ["é", "e\u{0301}", "É", "z", "Z", "a b", "日本", "🦊", "x\ny", String(repeating: "n", count: 255)]
            let all = names + (0..<90).map { "file-\($0)" }
            for name in all { #expect(FileManager.default.createFile(atPath: "\(folder)/\(name)", contents: nil)) }
            var found: [String] = []
            var after: String?
            repeat {
                let page = try files.root.list("many", after: after, limit: limit)
                #expect(page.items.count <= limit)
                found += page.items.map(\.name)
                after = page.next
            } while after != nil
            #expect(
                found.map { Array($0.utf8) } == all.map { Array($0.utf8) }.sorted { $0.lexicographicallyPrecedes($1) })
        }
    }

    @Test("a list goes on after a name that is gone, hidden, or never was")
    func afterAnything() throws {
        try withFiles { files throws in
            #expect(try files.root.list("", after: "b", limit: 2).items.map(\.name) == ["data"])
            #expect(try files.root.list("", after: ".hidden", limit: 1).items.map(\.name) == ["a.txt"])
            #expect(try files.root.list("", after: "../../zzz", limit: 1).items.map(\.name) == ["a.txt"])
            #expect(try files.root.list("", after: "zzz", limit: 1) == FilePage(path: "/", items: [], next: nil))
        }
    }

    @Test("a name that is not UTF-8 is left out, and so is a pipe's waiting")
    func oddEntries() throws {
        try withFiles { files in
            let folder = files.rootPath + "/odd"
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
            let bytes = Array(folder.utf8) + [0x2F, 0xFF, 0xFE]
            let descriptor = (bytes.map { CChar(bitPattern: $0) } + [0]).withUnsafeBufferPointer {
                open($0.baseAddress!, O_CREAT | O_WRONLY, 0o600)
            }
            #expect(descriptor >= 0)
            close(descriptor)
            #expect(mkfifo(folder + "/pipe", 0o600) == 0)
            #expect(
                try files.root.list("odd", limit: 10).items
                    == [FileItem(name: "pipe", path: "/odd/pipe", isFolder: false, sizeBytes: 0)])
            #expect(files.code("odd/pipe") == .notAFolder)
        }
    }
}
