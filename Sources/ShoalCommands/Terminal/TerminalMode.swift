internal import CTerminal

#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Darwin)
    internal import Darwin
#endif

/// A terminal in another mode than its owner's, which it gets back whatever ends the process in between.
struct TerminalMode {
    /// Flags of `c_lflag` and `c_iflag` that are taken away (termios(3)).
    private let local: tcflag_t
    private let input: tcflag_t
    /// Written before the body and after it, or when a signal ends the process.
    private let greeting: StaticString
    private let farewell: StaticString

    /// What is typed is not shown.
    static let hidden = TerminalMode(local: tcflag_t(ECHO), input: 0, greeting: "", farewell: "")

    /// Every key comes as it is pressed, and pasted text between marks, so that its line breaks are told from Enter.
    static let keys = TerminalMode(
        local: tcflag_t(ECHO | ICANON | ISIG | IEXTEN), input: tcflag_t(ICRNL | IXON), greeting: "\u{1B}[?2004h",
        farewell: "\u{1B}[?2004l\r\n")

    /// Runs `body` in this mode; one body at a time.
    ///
    /// - Returns: nil where standard input is no terminal.
    func run<Result>(_ body: () throws -> Result) rethrows -> Result? {
        let taken = farewell.utf8Start.withMemoryRebound(to: CChar.self, capacity: farewell.utf8CodeUnitCount + 1) {
            shoal_terminal_take(local, input, $0)
        }
        guard taken else { return nil }
        Terminal.writeError("\(greeting)")
        defer {
            Terminal.writeError("\(farewell)")
            shoal_terminal_give_back()
        }
        return try body()
    }
}
