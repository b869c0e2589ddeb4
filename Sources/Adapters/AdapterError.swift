#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// What went wrong with the adapter files on this node's disk.
///
/// The message says what happened, to what, and what to do.
package struct AdapterError: Error, Sendable, CustomStringConvertible {
    /// The kind of fault. Open: later versions may add kinds.
    package struct Code: Hashable, Sendable, CustomStringConvertible {
        package let description: String
        private init(_ description: String) { self.description = description }

        /// A file name or path that no adapter file may have.
        package static let badName = Code("badName")
        /// An entity type that does not exist.
        package static let badType = Code("badType")
        /// The name is taken, and another was not wanted.
        package static let nameTaken = Code("nameTaken")
        /// More bytes than an adapter file may have.
        package static let tooLarge = Code("tooLarge")
        /// The content is not what the name says, or may not be loaded safely.
        package static let badContent = Code("badContent")
        /// There is no such file in the library, or in the bin.
        package static let notFound = Code("notFound")
        /// The upload was finished or given up before.
        package static let uploadEnded = Code("uploadEnded")
        /// The disk, or the quota, is full.
        package static let diskFull = Code("diskFull")
        /// Any other fault of the file system.
        package static let fileSystem = Code("fileSystem")
    }

    package let code: Code
    package let message: String
    package let cause: (any Error)?

    package init(_ code: Code, _ message: String, cause: (any Error)? = nil) {
        self.code = code
        self.message = message
        self.cause = cause
    }

    package var description: String { message }

    /// A failed system call, told by its error number.
    init(systemCall number: Int32, doing action: String, path: String) {
        let isFull = number == ENOSPC || number == EDQUOT
        self.init(
            isFull ? .diskFull : .fileSystem,
            "cannot \(action) \(path): \(String(cString: strerror(number)))"
                + (isFull ? "; make room on the disk" : "; check the folder and its permissions"))
    }
}
