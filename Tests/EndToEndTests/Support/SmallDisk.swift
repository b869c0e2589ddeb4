import Testing

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif
#if canImport(Glibc)
    import Glibc
#endif

/// A small disk in memory, mounted for one test.
struct SmallDisk: Sendable {
    /// Where it is mounted.
    let path: String

    /// A system call that did not do what the test needs.
    struct Fault: Error, CustomStringConvertible {
        let description: String

        init(_ what: String) {
            description = "\(what): \(String(cString: strerror(errno)))"
        }
    }

    /// Whether this process may mount anything.
    static let isAllowed: Bool = {
        let path = folder()
        guard mkdir(path, 0o700) == 0 else { return false }
        defer { rmdir(path) }
        guard mount("tmpfs", path, "tmpfs", options: "size=64k") else { return false }
        unmount(path)
        return true
    }()

    static let notAllowed: Comment = "mounting a disk takes root's rights, which these tests do not have here"

    /// Runs `body` with a new disk of so many megabytes (2^20 bytes).
    static func with<Result: Sendable>(
        megabytes: Int, _ body: (SmallDisk) async throws -> Result
    ) async throws -> Result {
        let path = folder()
        guard mkdir(path, 0o700) == 0 else { throw Fault("mkdir \(path)") }
        defer { rmdir(path) }
        guard mount("tmpfs", path, "tmpfs", options: "size=\(megabytes)m,mode=0700") else {
            throw Fault("mount \(path)")
        }
        defer { unmount(path) }
        return try await body(SmallDisk(path: path))
    }

    private var filler: String { path + "/filler" }

    /// Fills the disk but for so many megabytes.
    func fill(leaving megabytes: Int = 0) throws {
        let descriptor = open(filler, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw Fault("open \(filler)") }
        defer { close(descriptor) }
        let page = [UInt8](repeating: 0x2e, count: 4096)
        while true {
            var state = statvfs()
            guard statvfs(path, &state) == 0 else { throw Fault("statvfs \(path)") }
            guard Int(state.f_bavail) * Int(state.f_frsize) > megabytes << 20 else { return }
            guard write(descriptor, page, page.count) > 0 else {
                if errno == ENOSPC { return }
                throw Fault("write \(filler)")
            }
        }
    }

    /// Undoes `fill`.
    func removeFiller() {
        unlink(filler)
    }

    /// Makes a disk that no process has open for writing read-only, or writable again.
    func remount(readOnly: Bool) throws {
        let flags = UInt(MS_REMOUNT) | (readOnly ? UInt(MS_RDONLY) : 0)
        guard Glibc.mount("tmpfs", path, "tmpfs", flags, nil) == 0 else { throw Fault("remount \(path)") }
    }

    /// Runs `body` while whatever is opened on the disk is opened read-only. Files that are open already stay writable.
    func whileReadOnly<Result>(_ body: () async throws -> Result) async throws -> Result {
        guard Glibc.mount(path, path, nil, UInt(MS_BIND), nil) == 0 else { throw Fault("bind \(path)") }
        defer { Self.unmount(path) }
        let flags = UInt(MS_REMOUNT) | UInt(MS_BIND) | UInt(MS_RDONLY)
        guard Glibc.mount(nil, path, nil, flags, nil) == 0 else { throw Fault("make \(path) read-only") }
        return try await body()
    }

    private static func folder() -> String {
        FileManager.default.temporaryDirectory.path() + "shoal-disk-\(UUID().uuidString.prefix(8))"
    }

    private static func mount(_ source: String, _ path: String, _ type: String, options: String) -> Bool {
        Glibc.mount(source, path, type, 0, options) == 0
    }

    /// Also while somebody has files of it open: then it goes when they are closed.
    private static func unmount(_ path: String) {
        umount2(path, Int32(MNT_DETACH))
    }
}
