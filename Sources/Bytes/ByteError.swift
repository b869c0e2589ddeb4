/// Why bytes cannot be had, or kept.
package struct ByteError: Error, Sendable, CustomStringConvertible {
    /// The kind of fault. Open: later versions may add kinds.
    package struct Code: Hashable, Sendable, CustomStringConvertible {
        package let description: String
        private init(_ description: String) { self.description = description }

        /// The file cannot be opened or read.
        package static let unreadable = Code("unreadable")
        /// What is asked for reaches past the end of the file.
        package static let pastEnd = Code("pastEnd")
        /// A file with a secret has the wrong size or the wrong permissions, or cannot be read or written.
        package static let unusableSecret = Code("unusableSecret")
    }

    package let code: Code
    /// What happened, to what, and what to do.
    package let message: String
    /// Position in the file, in bytes, where the fault was met.
    package let byteOffset: UInt64?
    /// Path of the file, where the message does not have it.
    package let path: String?

    package init(_ code: Code, _ message: String, at byteOffset: UInt64? = nil, path: String? = nil) {
        self.code = code
        self.message = message
        self.byteOffset = byteOffset
        self.path = path
    }

    package var description: String {
        var text = message
        if let byteOffset { text += " (at byte \(byteOffset))" }
        if let path { text = "\(path): \(text)" }
        return text
    }
}
