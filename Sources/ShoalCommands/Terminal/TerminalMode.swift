#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// A terminal in another mode than its owner's, which it gets back whatever ends the process in between.
enum TerminalMode {
    private static let ends = [SIGINT, SIGTERM, SIGHUP, SIGQUIT]
    /// What the terminal was like before. Written before the handler can run, and read by it alone.
    nonisolated(unsafe) private static var before = termios()

    /// Runs `body` in a mode that differs from the terminal's own by `change`.
    ///
    /// - Returns: nil where there is no terminal.
    static func with<Result>(_ change: (inout termios) -> Void, _ body: () throws -> Result) rethrows -> Result? {
        guard tcgetattr(STDIN_FILENO, &before) == 0 else { return nil }
        var mode = before
        change(&mode)
        var former: [sigaction] = []
        for end in ends {
            var action = sigaction()
            #if canImport(Glibc)
                action.__sigaction_handler.sa_handler = handler
            #else
                action.__sigaction_u.__sa_handler = handler
            #endif
            var old = sigaction()
            sigaction(end, &action, &old)
            former.append(old)
        }
        tcsetattr(STDIN_FILENO, TCSADRAIN, &mode)
        defer {
            tcsetattr(STDIN_FILENO, TCSADRAIN, &before)
            for (end, var old) in zip(ends, former) { sigaction(end, &old, nil) }
        }
        return try body()
    }

    /// Gives the terminal back, and lets the signal end the process as it would have. All calls are safe in a handler (signal-safety(7)).
    private static let handler: @convention(c) (Int32) -> Void = { number in
        tcsetattr(STDIN_FILENO, TCSANOW, &TerminalMode.before)
        signal(number, SIG_DFL)
        raise(number)
    }
}
