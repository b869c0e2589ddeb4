import Foundation
import Testing

@testable import Files

/// A root with some files, folders and links in it, and a secret beside it.
struct FileFixture {
    let base: String
    let root: FileRoot

    var rootPath: String { base + "/root" }

    init() throws {
        let temporary = FileManager.default.temporaryDirectory.resolvingSymlinksInPath().path
        base = "\(temporary)/files-\(UUID().uuidString)"
        root = FileRoot(path: base + "/root")
        for folder in ["root/data/deep/deeper", "root/empty", "root/.hidden/inside", "rootless", "outside/inner"] {
            try FileManager.default.createDirectory(atPath: "\(base)/\(folder)", withIntermediateDirectories: true)
        }
        for (file, size) in [
            ("root/a.txt", 1), ("root/data/one.bin", 1024), ("root/data/.secret", 5), ("root/.hidden/key", 6),
            ("root/data/deep/two", 0), ("outside/secret", 9), ("rootless/secret", 9),
        ] {
            try Data(repeating: 0x61, count: size).write(to: URL(filePath: "\(base)/\(file)"))
        }
        for (link, target) in [
            ("in", "data"), ("in-file", "data/one.bin"), ("in-absolute", "\(base)/root/data/deep"), ("self", "self"),
            ("ring-1", "ring-2"), ("ring-2", "ring-1"), ("out", "../outside"), ("out-absolute", "\(base)/outside"),
            ("out-file", "../outside/secret"), ("etc", "/etc"), ("slash", "/"), ("sibling", "\(base)/rootless"),
            ("dangling", "nothing/here"), ("to-hidden", ".hidden"), ("to-root", "."),
            ("to-root-absolute", "\(base)/root"),
            ("up-and-back", "data/../data/deep"), ("out-and-back", "../root/data"), ("data/up", ".."),
            ("data/up-out", "../../outside"), ("data/deep/far-up", "../../../outside"),
        ] {
            try FileManager.default.createSymbolicLink(atPath: "\(base)/root/\(link)", withDestinationPath: target)
        }
    }

    func remove() { try? FileManager.default.removeItem(atPath: base) }

    func code(_ path: String) -> FileError.Code? {
        do throws(FileError) {
            _ = try root.list(path, limit: 10)
            return nil
        } catch { return error.code }
    }
}

func withFiles(_ body: (FileFixture) throws -> Void) throws {
    let fixture = try FileFixture()
    defer { fixture.remove() }
    try body(fixture)
}
