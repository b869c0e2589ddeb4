import SystemPackage

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

/// The directory that holds everything a node keeps, and the lock that one daemon at a time has on it.
package struct DataDirectory: Sendable {
    /// Absolute path.
    package let path: String

    package init(path: String) {
        self.path = path
    }

    package var database: String { path + "/shoal.sqlite" }
    package var identityKey: String { path + "/identity.key" }
    package var swarmKey: String { path + "/swarm.key" }
    package var apiKey: String { path + "/api_key" }
    /// The private key that signs JWTs.
    package var jwtKey: String { path + "/jwt.key" }
    /// The first administrator's one-time password, until somebody has a password of their own.
    package var oneTimePassword: String { path + "/admin_password" }
    package var settings: String { path + "/shoal.yaml" }
    package var models: String { path + "/models" }
    /// What clients may see and train on, unless the settings name another folder.
    package var files: String { path + "/files" }
    /// Logs and results of training jobs.
    package var training: String { path + "/training" }
    /// What the daemon that runs, or ran last, logged; see ``LogFile``.
    package var log: String { path + "/shoal.log" }
    /// Where a running daemon says how it is reached; see ``RunRecord``.
    package var runRecord: String { path + "/run.json" }
    /// Locked by the running daemon; holds its process id.
    package var lockFile: String { path + "/shoal.lock" }
    /// Unix sockets of the engine processes.
    package var sockets: String { path + "/run" }

    /// Makes the directory, for its owner alone, when it is missing.
    ///
    /// - Throws: `NodeError` when it cannot be made or is no writable directory.
    package func create() throws {
        var prefix = ""
        for component in path.split(separator: "/") {
            prefix += "/" + component
            guard mkdir(prefix, 0o700) != 0, errno != EEXIST else { continue }
            // Parents on read-only file systems exist already.
            var status = stat()
            if stat(prefix, &status) == 0 { continue }
            throw NodeError(
                .dataDirectory, "cannot make the data directory \(path)", cause: Errno(rawValue: errno))
        }
        guard access(path, R_OK | W_OK | X_OK) == 0 else {
            guard errno != EROFS else {
                throw NodeError(
                    .dataDirectory,
                    "the data directory \(path) is on a read-only disk; mount it writable, or take another one with "
                        + "--data-dir")
            }
            throw NodeError(
                .dataDirectory,
                "the data directory \(path) cannot be used by this user; change its owner or take another one "
                    + "with --data-dir",
                cause: Errno(rawValue: errno))
        }
    }

    /// Whether it is the user's who runs this process, or is not there yet.
    package var isOwn: Bool {
        var status = stat()
        return stat(path, &status) != 0 || status.st_uid == geteuid()
    }

    /// Takes the lock that keeps two daemons off one directory.
    ///
    /// The kernel frees it when the process ends, however it ends.
    /// - Throws: `NodeError` with `alreadyRunning` naming the process that has it.
    package func lock() throws -> DataDirectoryLock {
        let descriptor: FileDescriptor
        do {
            descriptor = try FileDescriptor.open(
                FilePath(lockFile), .readWrite, options: [.create, .closeOnExec],
                permissions: [.ownerRead, .ownerWrite])
        } catch {
            throw NodeError(.dataDirectory, "cannot open \(lockFile)", cause: error)
        }
        guard flock(descriptor.rawValue, LOCK_EX | LOCK_NB) == 0 else {
            try? descriptor.close()
            let owner = lockOwner.map { "process \($0)" } ?? "another process"
            throw NodeError(
                .alreadyRunning,
                "\(owner) already runs a node in \(path); stop it first, or give this one its own --data-dir")
        }
        do {
            guard ftruncate(descriptor.rawValue, 0) == 0 else { throw Errno(rawValue: errno) }
            try descriptor.writeAll("\(getpid())\n".utf8)
        } catch {
            throw NodeError(.dataDirectory, "cannot write \(lockFile)", cause: error)
        }
        return DataDirectoryLock(descriptor: descriptor)
    }

    /// Removes what a daemon that was killed had not yet put in place. The caller has the lock.
    package func removeLeftovers() {
        let files = [identityKey, swarmKey, apiKey, jwtKey, oneTimePassword, settings, runRecord]
        for name in (try? FileManager.default.contentsOfDirectory(atPath: path)) ?? [] where name.hasSuffix(".new") {
            let file = "\(path)/\(name)"
            if files.contains(where: { file.hasPrefix($0 + ".") }) { unlink(file) }
        }
    }

    /// The process id in the lock file, whether or not that process still runs.
    package var lockOwner: Int32? {
        guard let contents = try? SmallFile.read(lockFile, limit: 64) else { return nil }
        return Int32(String(decoding: contents.prefix { $0 != UInt8(ascii: "\n") }, as: UTF8.self))
    }

    /// Whether a daemon has the lock now.
    package var isInUse: Bool {
        guard let descriptor = try? FileDescriptor.open(FilePath(lockFile), .readOnly, options: .closeOnExec) else {
            return false
        }
        defer { try? descriptor.close() }
        // A shared lock, so that two askers do not take each other for a daemon.
        guard flock(descriptor.rawValue, LOCK_SH | LOCK_NB) == 0 else { return errno == EWOULDBLOCK }
        return false
    }
}

/// The lock on a data directory; given back when the value ends.
package struct DataDirectoryLock: ~Copyable, Sendable {
    private let descriptor: FileDescriptor

    fileprivate init(descriptor: FileDescriptor) {
        self.descriptor = descriptor
    }

    deinit {
        try? descriptor.close()
    }
}
