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
        [path, apiKey, jwtKey, oneTimePassword, database, settings, log, LogFile.former(log)]
    }

    /// Takes from other users what they may do with ``privateFiles``, as far as the file system lets it be taken.
    ///
    /// - Returns: a sentence for each that was open to them, and for each that stays so.
    /// - Throws: `NodeError` where a key stays readable to others.
    package func closeToOthers() throws(NodeError) -> [String] {
        var sentences: [String] = []
        for file in privateFiles {
            guard isOpenToOthers(file), let status = try? Stat(FilePath(file)) else { continue }
            // A directory that no node has been in may be anything, if the wrong one was named.
            if file == path, access(identityKey, F_OK) != 0 { continue }
            let (mode, narrow) = (status.permissions.rawValue, status.permissions.rawValue & 0o7700)
            if chmod(file, narrow) == 0 {
                sentences.append(
                    "\(file) was open to other users of this machine (mode \(octal(mode))); its mode is \(octal(narrow)) now"
                )
                continue
            }
            let cause = Errno(rawValue: errno)
            guard file != apiKey, file != jwtKey else {
                throw NodeError(
                    .dataDirectory,
                    "\(file) is open to other users of this machine (mode \(octal(mode))); chmod \(octal(narrow)) \(file)",
                    cause: cause)
            }
            sentences.append(
                "\(file) is open to other users of this machine (mode \(octal(mode))), and stays so: \(cause)")
        }
        return sentences
    }

    /// Whether others than its owner may do anything with one of ``privateFiles``. A log that is a link, or no file, is not the node's to
    /// close, which writes none there.
    package func isOpenToOthers(_ file: String) -> Bool {
        let isLog = [log, LogFile.former(log)].contains(file)
        guard let status = try? Stat(FilePath(file), followTargetSymlink: !isLog) else { return false }
        return status.permissions.rawValue & 0o077 != 0 && (!isLog || status.type == .regular)
    }

    private func octal(_ mode: mode_t) -> String { String(mode, radix: 8) }
}
