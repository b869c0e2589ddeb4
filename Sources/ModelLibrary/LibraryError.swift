#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// What went wrong with the models on this node's disk.
///
/// The message says what happened, to what, and what to do.
package struct LibraryError: Error, Sendable, CustomStringConvertible {
    /// The kind of fault. Open: later versions may add kinds.
    package struct Code: Hashable, Sendable, CustomStringConvertible {
        package let description: String
        private init(_ description: String) { self.description = description }

        /// Text that no model id may be.
        package static let badModelID = Code("badModelID")
        /// Shard numbers that cannot be read, or that the model does not have.
        package static let badShards = Code("badShards")
        /// A shard size that is not possible.
        package static let badShardSize = Code("badShardSize")
        /// The file is no GGUF model, or is damaged.
        package static let notAModel = Code("notAModel")
        /// The file does not exist.
        package static let fileNotFound = Code("fileNotFound")
        /// The library has no such model.
        package static let modelNotFound = Code("modelNotFound")
        /// The library has no such shard of the model.
        package static let shardNotFound = Code("shardNotFound")
        /// Another model has the id already.
        package static let idTaken = Code("idTaken")
        /// The model is there, cut into shards of another size.
        package static let otherShardSize = Code("otherShardSize")
        /// Stored bytes do not have the hash that they should have.
        package static let damaged = Code("damaged")
        /// A manifest cannot be read or contradicts itself.
        package static let badManifest = Code("badManifest")
        /// The source changed while it was read.
        package static let sourceChanged = Code("sourceChanged")
        /// The disk, or the quota, is full.
        package static let diskFull = Code("diskFull")
        /// The folder may not be written to, or the file not be read.
        package static let notPermitted = Code("notPermitted")
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

    /// A failed system call, told by its error number: `cannot <action> <path>: <reason>; <advice>`.
    init(systemCall number: Int32, doing action: String, path: String) {
        let (code, advice): (Code, String) =
            switch number {
            case ENOSPC, EDQUOT: (.diskFull, "free some space on this disk, or import fewer shards")
            case EROFS: (.notPermitted, "this disk is read-only; choose another data directory")
            case EACCES, EPERM: (.notPermitted, "give this user the right to it, or choose another data directory")
            case ENOENT: (.fileNotFound, "check the path")
            case EIO: (.fileSystem, "the disk reports a fault; check it")
            case ENAMETOOLONG: (.fileSystem, "choose a shorter model id or data directory")
            default: (.fileSystem, "check the disk and the path")
            }
        self.init(code, "cannot \(action) \(path): \(String(cString: strerror(number))); \(advice)")
    }
}
