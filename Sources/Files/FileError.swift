#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// Why a path under the file root is not shown or used.
///
/// The message names what was asked, as it was asked, and never where the root is on this machine.
package struct FileError: Error, Sendable, CustomStringConvertible {
    /// The kind of fault. Open: later versions may add kinds.
    package struct Code: Hashable, Sendable, CustomStringConvertible {
        package let description: String
        private init(_ description: String) { self.description = description }

        /// No path, or one that could lead anywhere: `..`, NUL, too long.
        package static let badPath = Code("badPath")
        /// The path leads out of the root, through a link.
        package static let outside = Code("outside")
        /// The path has a part that begins with a dot.
        package static let hidden = Code("hidden")
        /// There is nothing at that path.
        package static let notFound = Code("notFound")
        /// A folder is wanted and something else is there.
        package static let notAFolder = Code("notAFolder")
        /// This process may not look there.
        package static let notPermitted = Code("notPermitted")
        /// The root itself is not there, or is no folder.
        package static let noRoot = Code("noRoot")
        /// Any other fault of the file system.
        package static let fileSystem = Code("fileSystem")
    }

    package let code: Code
    package let message: String

    package init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    package var description: String { message }

    /// The same, with the field of the request that had the path.
    package func naming(_ field: String) -> FileError { FileError(code, "\(field): \(message)") }

    /// A failed system call on what a client calls `path`.
    init(systemCall number: Int32, path: String) {
        let shown = FileError.shown(path)
        switch number {
        case ENOENT: self.init(.notFound, "there is nothing at \(shown)")
        case ENOTDIR: self.init(.notAFolder, "\(shown) is not a folder")
        case ELOOP: self.init(.outside, "\(shown) leads through too many links")
        case ENAMETOOLONG: self.init(.badPath, "a name in \(shown) is too long")
        case EACCES, EPERM: self.init(.notPermitted, "the node may not look at \(shown)")
        default: self.init(.fileSystem, "cannot look at \(shown): \(String(cString: strerror(number)))")
        }
    }

    /// A path as a message quotes it: in short, and without control characters.
    static func shown(_ path: some StringProtocol) -> String {
        let scalars = path.unicodeScalars.prefix(120).map { scalar -> Character in
            scalar.properties.generalCategory == .control ? "?" : Character(scalar)
        }
        return "“\(String(scalars))\(path.unicodeScalars.count > 120 ? "…" : "")”"
    }
}
