import SystemPackage

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// What other users of the machine may do with a node's own files: nothing.
extension DataDirectory {
    /// What only its owner may read: the directory, the keys, the database, and the settings, which can name a command.
    package var privateFiles: [String] {
        [path, apiKey, jwtKey, database, settings]
    }

    /// Takes from other users what they may do with ``privateFiles``.
    ///
    /// - Returns: a sentence for each that was open to them until now.
    /// - Throws: `NodeError` where it stays so, or the settings are another user's.
    package func closeToOthers() throws(NodeError) -> [String] {
        var sentences: [String] = []
        for file in privateFiles {
            guard let status = try? Stat(FilePath(file)) else { continue }
            let mode = status.permissions.rawValue
            // What root owns nobody else changes, and root may lay down settings for a service to read.
            let isTrusted = status.userID.rawValue == geteuid() || status.userID.rawValue == 0
            if file == settings, !isTrusted {
                throw NodeError(
                    .dataDirectory,
                    "\(file) is another user's, who could have this node run commands; chown it to the user that runs the node"
                )
            }
            guard mode & 0o077 != 0 else { continue }
            if status.userID.rawValue == 0, geteuid() != 0, mode & 0o022 == 0, file == settings { continue }
            let narrow = mode & 0o7700
            guard chmod(file, narrow) == 0 else {
                throw NodeError(
                    .dataDirectory,
                    "\(file) is open to other users of this machine (mode \(octal(mode))); chmod \(octal(narrow)) \(file)",
                    cause: Errno(rawValue: errno))
            }
            sentences.append(
                "\(file) was open to other users of this machine (mode \(octal(mode))); its mode is \(octal(narrow)) now"
            )
        }
        return sentences
    }

    private func octal(_ mode: mode_t) -> String { String(mode, radix: 8) }
}
