import GRDB

/// What went wrong with the database.
package struct StoreError: Error, CustomStringConvertible {
    package struct Code: Sendable, Hashable {
        private let name: String

        /// The file cannot be opened or made.
        package static let cannotOpen = Code(name: "cannotOpen")
        /// The disk, or the quota, is full.
        package static let full = Code(name: "full")
        /// Another process held the database for too long.
        package static let busy = Code(name: "busy")
        /// The file or its folder may not be written to.
        package static let readOnly = Code(name: "readOnly")
        /// The file is damaged, or no database at all.
        package static let corrupt = Code(name: "corrupt")
        /// A constraint of the schema was violated.
        package static let constraint = Code(name: "constraint")
        /// Anything else.
        package static let failed = Code(name: "failed")
    }

    package let code: Code
    package let message: String
    package let cause: (any Error)?

    package var description: String { message }

    init(code: Code, message: String, cause: (any Error)?) {
        self.code = code
        self.message = message
        self.cause = cause
    }

    init(_ error: any Error, doing action: String) {
        let (code, advice): (Code, String) =
            switch (error as? DatabaseError).map({ Self.isFull($0) ? .SQLITE_FULL : $0.resultCode }) {
            case .SQLITE_FULL: (.full, "free some space on its disk")
            case .SQLITE_BUSY, .SQLITE_LOCKED: (.busy, "another process keeps it locked; try again when it is done")
            case .SQLITE_READONLY, .SQLITE_PERM: (.readOnly, "make the file and its folder writable")
            case .SQLITE_CORRUPT, .SQLITE_NOTADB: (.corrupt, "restore it from a backup, or move it away to start anew")
            case .SQLITE_CANTOPEN: (.cannotOpen, "check that its folder exists and may be written to")
            case .SQLITE_CONSTRAINT: (.constraint, "the values contradict what is stored")
            default: (.failed, "see the cause")
            }
        self.init(code: code, message: "cannot \(action): \(error); \(advice)", cause: error)
    }

    /// Whether the disk has no room, be it for the file of the memory that processes share over the database.
    private static func isFull(_ error: DatabaseError) -> Bool {
        [.SQLITE_FULL, .SQLITE_IOERR_SHMSIZE].contains(error.extendedResultCode)
    }
}
