import SystemPackage

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// What commands write, and what they know about the terminal that they write to.
package enum Terminal {
    /// Writes text to standard output as it is.
    package static func write(_ text: some StringProtocol) {
        write(Array(text.utf8), to: .standardOutput)
    }

    /// Writes bytes to standard output as they are.
    package static func write(_ bytes: [UInt8]) {
        write(bytes, to: .standardOutput)
    }

    /// Writes a line to standard output.
    package static func line(_ text: some StringProtocol) {
        write(Array(text.utf8) + [UInt8(ascii: "\n")], to: .standardOutput)
    }

    /// Ends the line on standard output.
    package static func newLine() {
        write([UInt8(ascii: "\n")], to: .standardOutput)
    }

    /// Writes text to standard error as it is.
    package static func writeError(_ text: some StringProtocol) {
        write(Array(text.utf8), to: .standardError)
    }

    /// Writes a line to standard error.
    package static func errorLine(_ text: some StringProtocol) {
        write(Array(text.utf8) + [UInt8(ascii: "\n")], to: .standardError)
    }

    /// Writes an error and its hint to standard error.
    package static func error(_ error: CommandError) {
        errorLine("error: \(error)")
    }

    /// Whether a person looks at standard output.
    package static var isInteractive: Bool { isatty(STDOUT_FILENO) == 1 }

    /// Whether a person looks at standard error, where progress is shown.
    package static var showsProgress: Bool { isatty(STDERR_FILENO) == 1 }

    /// Whether a person types.
    package static var readsFromPerson: Bool { isatty(STDIN_FILENO) == 1 }

    /// Columns of the terminal behind standard error; 80 when there is none.
    package static var width: Int {
        size.map { Int($0.ws_col) }.flatMap { $0 > 0 ? $0 : nil } ?? 80
    }

    /// Rows of the terminal behind standard error; 24 when there is none.
    package static var height: Int {
        size.map { Int($0.ws_row) }.flatMap { $0 > 0 ? $0 : nil } ?? 24
    }

    private static var size: winsize? {
        var size = winsize()
        return ioctl(STDERR_FILENO, UInt(TIOCGWINSZ), &size) == 0 ? size : nil
    }

    /// A reader that went away, as with `shoal models | head -1`, is no error: the rest is not written.
    private static func write(_ bytes: [UInt8], to descriptor: FileDescriptor) {
        _ = try? descriptor.writeAll(bytes)
    }
}
