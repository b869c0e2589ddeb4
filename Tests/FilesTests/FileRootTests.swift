import Foundation
import Testing

@testable import Files

struct FileRootTests {
    struct Hostile: CustomStringConvertible {
        let path: String
        let code: FileError.Code
        init(_ path: String, _ code: FileError.Code) {
            self.path = path
            self.code = code
        }
        var description: String { String(path.debugDescription.prefix(60)) }
    }

    /// `ROOT` and `BASE` stand for the real root and the folder that it is in.
    static let hostile: [Hostile] = [
        // Upwards.
        .init("..", .badPath), .init("../", .badPath), .init("/..", .badPath), .init("/../", .badPath),
        .init("../outside", .badPath), .init("/../outside/secret", .badPath), .init("data/..", .badPath),
        .init("data/../..", .badPath), .init("data/../../outside", .badPath), .init("data//..//..//outside", .badPath),
        .init("./..", .badPath), .init("data/./../../outside", .badPath), .init("in/../../outside", .badPath),
        .init("nothing/../data", .badPath), .init("ROOT/..", .badPath), .init("ROOT/../outside", .badPath),
        .init("ROOT/data/../../outside", .badPath), .init("/./../etc/passwd", .badPath),
        .init(String(repeating: "../", count: 40) + "etc/passwd", .badPath),
        // Hidden, or what looks like upwards and is a hidden name.
        .init(".hidden", .hidden), .init("/.hidden/inside", .hidden), .init("data/.secret", .hidden),
        .init("...", .hidden), .init(".../data", .hidden), .init("..\\outside", .hidden), .init(".. /outside", .hidden),
        .init("..;/outside", .hidden), .init("..%2foutside", .hidden), .init(".%2e/outside", .hidden),
        .init("..\u{0301}/outside", .hidden), .init("ROOT/.hidden", .hidden), .init("in/.secret", .hidden),
        .init("to-hidden", .hidden), .init("to-hidden/inside", .hidden),
        // Encodings that nobody decodes twice.
        .init("%2e%2e/outside", .notFound), .init("%2e%2e%2foutside", .notFound), .init("data%2f..%2f..", .notFound),
        .init("data\\..\\..\\outside", .notFound), .init("\u{FF0E}\u{FF0E}/outside", .notFound),
        .init("\u{2024}\u{2024}/outside", .notFound), .init("data\u{2215}deep", .notFound),
        .init("\u{202E}atad", .notFound), .init("DATA", .notFound), .init("~", .notFound), .init("~root", .notFound),
        .init("$HOME", .notFound), .init("*", .notFound), .init("data;ls", .notFound), .init("file:///etc", .notFound),
        .init("C:\\Windows", .notFound), .init("\\\\server\\share", .notFound), .init("data ", .notFound),
        .init(" data", .notFound), .init("data\n", .notFound), .init("da\u{0301}ta", .notFound),
        // NUL, and too much.
        .init("\0", .badPath), .init("data\0", .badPath), .init("data\0/../../outside", .badPath),
        .init("data/\0.txt", .badPath), .init(String(repeating: "a", count: 256), .badPath),
        .init(String(repeating: "é", count: 128), .badPath), .init(String(repeating: "a", count: 4097), .badPath),
        .init(String(repeating: "/", count: 4097), .badPath), .init(String(repeating: "a/", count: 129), .badPath),
        .init(String(repeating: "data/deep/", count: 60), .notFound),
        // Absolute, and elsewhere.
        .init("/etc", .outside), .init("/etc/passwd", .outside), .init("/proc/self/root", .notFound),
        .init("/dev/fd/0", .notFound), .init("BASE", .notFound), .init("BASE/outside", .notFound),
        .init("BASE/rootless", .notFound), .init("BASE/rootless/secret", .notFound), .init("ROOTless", .notFound),
        .init("ROOT/nothing", .notFound), .init("//BASE//outside", .notFound),
        // Links.
        .init("out", .outside), .init("out/", .outside), .init("out/inner", .outside), .init("out/secret", .outside),
        .init("out-absolute", .outside), .init("out-absolute/inner", .outside), .init("out-file", .outside),
        .init("etc/passwd", .outside), .init("slash", .outside), .init("slash/etc", .outside),
        .init("sibling", .outside), .init("data/up-out", .outside), .init("data/up/out", .outside),
        .init("data/deep/far-up", .outside), .init("in/up-out/secret", .outside), .init("out-and-back", .outside),
        .init("to-root/out", .outside), .init("ROOT/out", .outside), .init("self", .outside), .init("ring-1", .outside),
        .init("ring-1/x", .outside), .init("dangling", .notFound), .init("dangling/x", .notFound),
        // What is there and no folder.
        .init("a.txt", .notAFolder), .init("/a.txt/", .notAFolder), .init("a.txt/x", .notAFolder),
        .init("data/one.bin", .notAFolder), .init("in-file", .notAFolder), .init("in-file/x", .notAFolder),
        .init("ROOT/a.txt", .notAFolder),
        .init("nothing", .notFound), .init("data/nothing/x", .notFound),
    ]

    @Test("a path that could lead elsewhere is refused, with the reason", arguments: hostile)
    func refuses(_ hostile: Hostile) throws {
        try withFiles { files in
            let path = hostile.path.replacing("ROOT", with: files.rootPath).replacing("BASE", with: files.base)
            #expect(files.code(path) == hostile.code)
            #expect(throws: FileError.self) { try files.root.realPath(ofFolder: path) }
        }
    }

    @Test("no answer about a refused path tells where the root is", arguments: hostile)
    func keepsQuiet(_ hostile: Hostile) throws {
        guard !hostile.path.contains("ROOT"), !hostile.path.contains("BASE") else { return }
        try withFiles { files in
            do throws(FileError) {
                _ = try files.root.list(hostile.path, limit: 10)
                Issue.record("\(hostile) was listed")
            } catch {
                #expect(!error.message.contains(files.base))
                #expect(error.message.count < 300 && !error.message.contains("\0"))
            }
        }
    }

    @Test(
        "a folder is found however it is written",
        arguments: [
            ("", "/", ""), ("/", "/", ""), (".", "/", ""), ("//", "/", ""), ("./", "/", ""), ("data", "/data", "/data"),
            ("/data", "/data", "/data"), ("data/", "/data", "/data"), ("//data//deep/", "/data/deep", "/data/deep"),
            ("./data/./deep", "/data/deep", "/data/deep"), ("in", "/in", "/data"),
            ("in/deep", "/in/deep", "/data/deep"),
            ("in-absolute", "/in-absolute", "/data/deep"),
            ("in-absolute/deeper", "/in-absolute/deeper", "/data/deep/deeper"),
            ("up-and-back", "/up-and-back", "/data/deep"), ("to-root", "/to-root", ""),
            ("to-root/data", "/to-root/data", "/data"),
            ("to-root-absolute/data", "/to-root-absolute/data", "/data"), ("data/up", "/data/up", ""),
            ("data/up/data/up/empty", "/data/up/data/up/empty", "/empty"), ("ROOT", "/", ""), ("ROOT/", "/", ""),
            ("ROOT/data", "/data", "/data"), ("//ROOT//in", "/in", "/data"),
        ])
    func finds(_ path: String, shown: String, real: String) throws {
        try withFiles { files throws in
            let path = path.replacing("ROOT", with: files.rootPath)
            #expect(try files.root.list(path, limit: 10).path == shown)
            #expect(try files.root.realPath(ofFolder: path) == files.rootPath + real)
        }
    }

    @Test("a root that is reached through a link takes absolute paths in both forms")
    func linkedRoot() throws {
        try withFiles { files in
            let alias = files.base + "/alias"
            try FileManager.default.createSymbolicLink(atPath: alias, withDestinationPath: files.rootPath)
            let root = FileRoot(path: alias)
            #expect(try root.realPath(ofFolder: alias + "/data") == files.rootPath + "/data")
            #expect(try root.realPath(ofFolder: files.rootPath + "/in") == files.rootPath + "/data")
            #expect(try root.list("/", limit: 100).items.contains { $0.name == "to-root-absolute" })
        }
    }

    @Test("what is under the root comes before what the same path means from the machine's root on")
    func relativeFirst() throws {
        try withFiles { files in
            let inner = files.rootPath + files.rootPath
            try FileManager.default.createDirectory(atPath: inner, withIntermediateDirectories: true)
            #expect(try files.root.realPath(ofFolder: files.rootPath) == inner)
            #expect(try files.root.realPath(ofFolder: files.rootPath + "/data") == files.rootPath + "/data")
        }
    }

    @Test("a root that is not there is told as such")
    func noRoot() throws {
        try withFiles { files in
            for path in ["/nowhere", "/a.txt"] {
                #expect {
                    try FileRoot(path: files.rootPath + path).list("", limit: 1)
                } throws: { ($0 as? FileError)?.code == .noRoot }
            }
        }
    }

    @Test("a folder that turns into a link while it is listed never shows what is outside")
    func swapped() throws {
        try withFiles { files in
            let victim = files.rootPath + "/swap"
            try FileManager.default.createDirectory(atPath: victim + "/inner", withIntermediateDirectories: true)
            let swapper = Thread {
                let manager = FileManager.default
                while !Thread.current.isCancelled {
                    try? manager.moveItem(atPath: victim, toPath: victim + "-away")
                    try? manager.createSymbolicLink(atPath: victim, withDestinationPath: "../outside")
                    try? manager.removeItem(atPath: victim)
                    try? manager.moveItem(atPath: victim + "-away", toPath: victim)
                }
            }
            swapper.start()
            defer { swapper.cancel() }
            for _ in 0..<500 {
                if let page = try? files.root.list("swap", limit: 10) {
                    #expect(!page.items.contains { $0.name == "secret" })
                }
                if let path = try? files.root.realPath(ofFolder: "swap/inner") {
                    #expect(path == victim + "/inner")
                }
            }
        }
    }
}
