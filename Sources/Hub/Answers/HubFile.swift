/// A file of a repository, as the hub lists it.
package struct HubListedFile: Hashable, Sendable, Codable {
    package let path: HubFilePath
    /// Nil where the hub names files only.
    package let sizeBytes: UInt64?
    /// Of files in the large-file store: 64 lower-case hexadecimal digits.
    package let sha256: String?

    package init(path: HubFilePath, sizeBytes: UInt64?, sha256: String? = nil) {
        self.path = path
        self.sizeBytes = sizeBytes
        self.sha256 = sha256
    }
}

/// A file at one commit, looked up on the hub and ready to be read.
package struct HubFile: Hashable, Sendable {
    package let repository: HubRepository
    package let path: HubFilePath
    /// The commit that the revision meant when the file was looked up: 40 hexadecimal digits.
    package let commit: HubRevision
    /// What the hub calls this state of the file, without quotes: the SHA-256 of files in the large-file store.
    package let etag: String
    package let sizeBytes: UInt64
    /// What the file's bytes hash to, where the hub says so: 64 lower-case hexadecimal digits.
    package let sha256: String?
    /// Where the bytes are: an address in the file store that is good for a while, or one of the hub's own.
    package let location: String

    /// Whether `other` has the same bytes, as far as the hub knows.
    package func isSameState(as other: HubFile) -> Bool { etag == other.etag && sizeBytes == other.sizeBytes }
}
