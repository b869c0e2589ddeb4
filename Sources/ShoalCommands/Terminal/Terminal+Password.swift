import Accounts

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

extension Terminal {
    /// A new password for `user`: typed twice without being shown, or else the first line of standard input.
    ///
    /// - Throws: `CommandError` where none comes, or the two differ; `AccountError` for what can be no password, before it is typed a
    ///   second time.
    static func newPassword(of user: String) throws -> String {
        guard readsFromPerson else {
            guard let line = readLine(), !line.isEmpty else {
                throw CommandError(
                    "no password on standard input", hint: "type it at a terminal, or pipe it in as the first line")
            }
            _ = try Password(line)
            return line
        }
        let first = try hiddenLine("new password of \(user), at least \(Password.minimumCharacters) characters: ")
        _ = try Password(first)
        let second = try hiddenLine("once more: ")
        guard first == second else { throw CommandError("the two passwords differ; nothing was changed") }
        return first
    }

    /// The password that `user` has: typed without being shown, or else the first line of standard input.
    static func password(of user: String) throws -> String {
        if readsFromPerson { return try hiddenLine("password of \(user): ") }
        guard let line = readLine(), !line.isEmpty else {
            throw CommandError(
                "no password on standard input", hint: "type it at a terminal, or pipe it in as the first line")
        }
        return line
    }

    /// Asks on standard error and reads a line.
    static func shownLine(_ prompt: String) throws -> String {
        writeError(prompt)
        guard let line = readLine(), !line.isEmpty else { throw CommandError("nothing was typed") }
        return line
    }

    /// Asks on standard error and reads a line that the terminal does not show.
    private static func hiddenLine(_ prompt: String) throws -> String {
        let line = TerminalMode.hidden.run { () -> String? in
            writeError(prompt)
            defer { errorLine("") }
            return readLine()
        }
        guard let line else { throw CommandError("cannot ask for a password here") }
        guard let line, !line.isEmpty else { throw CommandError("no password was typed") }
        return line
    }
}
