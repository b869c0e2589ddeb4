import Bytes
import Link
import Node
import SystemPackage

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// Looks at the data directory and the secrets in it, without changing anything.
struct DataDirectoryChecks {
    let directory: DataDirectory

    func findings() -> [Finding] {
        let status: Stat
        do throws(Errno) {
            status = try Stat(FilePath(directory.path))
        } catch .noSuchFileOrDirectory {
            return [.ok("data directory", "\(directory.path) does not exist yet; “shoal serve” makes it")]
        } catch {
            return [
                .fail(
                    "data directory", "\(directory.path): \(error)",
                    mend: "make it readable for this user, or take another one with --data-dir")
            ]
        }
        guard status.type == .directory else {
            return [
                .fail(
                    "data directory", "\(directory.path) is no directory",
                    mend: "move it away, or take another one with --data-dir")
            ]
        }
        return [
            directoryAccess(status),
            secret("identity", directory.identityKey, about: "this node's identity"),
            secret("swarm key", directory.swarmKey, about: "the swarm's key"),
            apiKey(),
            others(),
        ]
    }

    private func directoryAccess(_ status: Stat) -> Finding {
        guard access(directory.path, R_OK | W_OK | X_OK) == 0 else {
            return .fail(
                "data directory", "\(directory.path) cannot be written by this user",
                mend: "chown it to the user that runs the node")
        }
        guard isPrivate(status) else {
            return .warn(
                "data directory", "\(directory.path) is open to other users of this machine",
                mend: "chmod 700 \(directory.path)")
        }
        return .ok("data directory", directory.path)
    }

    private func secret(_ check: String, _ path: String, about: String) -> Finding {
        let status: Stat
        do throws(Errno) {
            status = try Stat(FilePath(path), followTargetSymlink: false)
        } catch .noSuchFileOrDirectory {
            return .ok(check, "not there yet; “shoal serve” makes it")
        } catch {
            return .fail(check, "\(path): \(error)", mend: "make it readable for this user")
        }
        guard status.type != .regular || isPrivate(status) else {
            return .fail(check, "\(path) is readable by other users", mend: "chmod 600 \(path)")
        }
        do {
            _ = try SecretFile(path: path, byteCount: 32).read()
        } catch {
            return .fail(check, "\(error)", mend: "restore \(path) from a copy, or remove it to lose \(about)")
        }
        return .ok(check, "\(path) is in order")
    }

    private func apiKey() -> Finding {
        do {
            guard try APIKeyFile.load(in: directory) != nil else {
                return .ok("api key", "not there yet; “shoal serve” makes it")
            }
        } catch {
            return .fail(
                "api key", "\(error)", mend: "chmod 600 \(directory.apiKey), or remove it and start the node again")
        }
        if let status = try? Stat(FilePath(directory.apiKey)), !isPrivate(status) {
            return .fail(
                "api key", "\(directory.apiKey) is readable by other users", mend: "chmod 600 \(directory.apiKey)")
        }
        return .ok("api key", "\(directory.apiKey) is in order")
    }

    /// What else nobody but the owner should read, of which there is nothing to say where it is in order.
    private func others() -> Finding {
        let open = directory.privateFiles.filter {
            ![directory.path, directory.apiKey].contains($0) && directory.isOpenToOthers($0)
        }
        guard !open.isEmpty else { return .ok("modes", "settings, database, keys and log are closed to other users") }
        return .warn(
            "modes", "open to other users of this machine: \(open.joined(separator: ", "))",
            mend: "chmod 600 \(open.joined(separator: " ")); “shoal serve” does it too")
    }

    /// Whether nobody but its owner may do anything with it.
    private func isPrivate(_ status: Stat) -> Bool { status.permissions.rawValue & 0o077 == 0 }
}
