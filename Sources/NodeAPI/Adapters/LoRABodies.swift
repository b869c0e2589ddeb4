/// A LoRA file of the library.
package struct LoRABody: Codable, Sendable, Hashable {
    package var filePath: String
    package var partialPath: String
    package var filename: String
    package var fileSize: Int64
    package var entityType: String
    package var uploadTimestamp: String
    @Nullable package var sha256: String?

    package init(
        filePath: String, partialPath: String, filename: String, fileSize: Int64, entityType: String,
        uploadTimestamp: String, sha256: String?
    ) {
        self.filePath = filePath
        self.partialPath = partialPath
        self.filename = filename
        self.fileSize = fileSize
        self.entityType = entityType
        self.uploadTimestamp = uploadTimestamp
        self.sha256 = sha256
    }
}

/// A LoRA file in the bin.
package struct DeletedLoRABody: Codable, Sendable, Hashable {
    package var binPath: String
    package var partialPath: String
    package var originalPath: String
    package var filename: String
    package var fileSize: Int64
    package var entityType: String
    @Nullable package var deletedAt: String?
    @Nullable package var sha256: String?

    package init(
        binPath: String, partialPath: String, originalPath: String, filename: String, fileSize: Int64,
        entityType: String, deletedAt: String?, sha256: String?
    ) {
        self.binPath = binPath
        self.partialPath = partialPath
        self.originalPath = originalPath
        self.filename = filename
        self.fileSize = fileSize
        self.entityType = entityType
        self.deletedAt = deletedAt
        self.sha256 = sha256
    }
}

/// A part of a list of LoRA files.
package struct LoRAListBody<File: Codable & Sendable & Hashable>: Codable, Sendable, Hashable {
    package var files: [File]
    @Nullable package var next: String?

    package init(
        files: [File], next: String?
    ) {
        self.files = files
        self.next = next
    }
}

/// What became of an upload.
package struct LoRAUploadBody: Codable, Sendable, Hashable {
    package var filePath: String
    package var partialPath: String
    /// What the client called the file.
    package var filename: String
    package var fileSize: Int64
    package var uploadTimestamp: String
    /// For administrators alone, as is what follows.
    package var entityType: String?
    /// A file of the library with the same bytes.
    package var sameAs: String?

    package init(
        filePath: String, partialPath: String, filename: String, fileSize: Int64, uploadTimestamp: String,
        entityType: String? = nil, sameAs: String? = nil
    ) {
        self.filePath = filePath
        self.partialPath = partialPath
        self.filename = filename
        self.fileSize = fileSize
        self.uploadTimestamp = uploadTimestamp
        self.entityType = entityType
        self.sameAs = sameAs
    }
}

/// `DELETE /api/v1/admin/lora/bin`.
package struct LoRAPurgeBody: Codable, Sendable, Hashable {
    package var purged: Int

    package init(
        purged: Int
    ) {
        self.purged = purged
    }
}

/// `DELETE /api/v1/admin/lora`: where the file is now.
package struct LoRADeletionBody: Codable, Sendable, Hashable {
    package var deleted = true
    package var fullPath: String
    package var binPath: String
    package var timestamp: String

    package init(
        fullPath: String, binPath: String, timestamp: String
    ) {
        self.fullPath = fullPath
        self.binPath = binPath
        self.timestamp = timestamp
    }
}
