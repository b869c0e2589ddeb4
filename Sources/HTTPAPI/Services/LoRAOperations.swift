package import Adapters

/// LoRA files: taking them in, listing, deleting, and the bin. What changes something takes a note that is written down with it.
///
/// Functions throw `AdapterError`.
package struct LoRAOperations: Sendable {
    package var limits: LoRAUploadLimits
    /// Takes room for the bytes of a request, where it says how many it has.
    package var room: @Sendable (_ bytes: Int?) async throws -> LoRARoom
    /// Begins to take a file in.
    package var begin: @Sendable (_ room: LoRARoom) throws -> LoRAUpload
    /// Makes what has come a file of the library.
    package var finish:
        @Sendable (
            _ upload: LoRAUpload, _ name: LoRAFileName, _ type: LoRAType, _ versioned: Bool,
            _ note: LoRANote<StoredLoRA>
        ) async throws -> StoredLoRA
    package var files: @Sendable (_ selection: LoRASelection) async throws -> LoRAPage<LoRAFile>
    package var deletedFiles: @Sendable (_ selection: LoRASelection) async throws -> LoRAPage<DeletedLoRA>
    /// Moves a file to the bin.
    package var delete: @Sendable (_ path: LoRAPath, _ note: LoRANote<DeletedLoRA>) async throws -> DeletedLoRA
    /// Moves a file from the bin to where it was.
    package var restore:
        @Sendable (_ path: LoRAPath, _ versioned: Bool, _ note: LoRANote<LoRAFile>) async throws -> LoRAFile
    /// Removes one file of the bin for good, or with nil all of them; how many there were. The note is for each of them.
    package var purge: @Sendable (_ path: LoRAPath?, _ note: LoRANote<LoRAPath>) async throws -> Int

    package init(
        limits: LoRAUploadLimits, room: @escaping @Sendable (_ bytes: Int?) async throws -> LoRARoom,
        begin: @escaping @Sendable (_ room: LoRARoom) throws -> LoRAUpload,
        finish:
            @escaping @Sendable (
                _ upload: LoRAUpload, _ name: LoRAFileName, _ type: LoRAType, _ versioned: Bool,
                _ note: LoRANote<StoredLoRA>
            ) async throws -> StoredLoRA,
        files: @escaping @Sendable (_ selection: LoRASelection) async throws -> LoRAPage<LoRAFile>,
        deletedFiles: @escaping @Sendable (_ selection: LoRASelection) async throws -> LoRAPage<DeletedLoRA>,
        delete: @escaping @Sendable (_ path: LoRAPath, _ note: LoRANote<DeletedLoRA>) async throws -> DeletedLoRA,
        restore:
            @escaping @Sendable (_ path: LoRAPath, _ versioned: Bool, _ note: LoRANote<LoRAFile>) async throws
            -> LoRAFile,
        purge: @escaping @Sendable (_ path: LoRAPath?, _ note: LoRANote<LoRAPath>) async throws -> Int
    ) {
        self.limits = limits
        self.room = room
        self.begin = begin
        self.finish = finish
        self.files = files
        self.deletedFiles = deletedFiles
        self.delete = delete
        self.restore = restore
        self.purge = purge
    }

    /// The functions of a library.
    package init(library: LoRALibrary, limits: LoRAUploadLimits) {
        self.limits = limits
        room = { try await library.room(for: UInt64(max($0 ?? 0, 0))) }
        begin = { try library.beginUpload(in: $0) }
        finish = { try await library.finish($0, as: $1, type: $2, versioned: $3, note: $4) }
        files = { try await library.files(of: $0.type, after: $0.after, limit: $0.limit) }
        deletedFiles = { try await library.deletedFiles(of: $0.type, after: $0.after, limit: $0.limit) }
        delete = { try await library.delete($0, note: $1) }
        restore = { try await library.restore($0, versioned: $1, note: $2) }
        purge = { path, note in
            guard let path else { return try await library.purgeAll(note: note) }
            try await library.purge(path, note: note)
            return 1
        }
    }
}

/// What uploads may take.
package struct LoRAUploadLimits: Sendable, Hashable {
    /// The largest file; 413 past it.
    package var fileBytes: Int
    /// The most uploads at once; 503 past it. A user may have a quarter of them.
    package var uploads: Int
    /// How long one waits for others of the same user; 503 after it.
    package var queueing: Duration
    /// How long one may take in all; 408 after it.
    package var deadline: Duration
    /// An upload that brings less than `leastBytes` in this time is given up; 408.
    package var patience: Duration
    package var leastBytes: Int

    package init(
        fileBytes: Int = Int(LoRALibrary.maximumFileBytes), uploads: Int = 64,
        queueing: Duration = .seconds(60), deadline: Duration = .seconds(3600), patience: Duration = .seconds(60),
        leastBytes: Int = 64 << 10
    ) {
        self.fileBytes = fileBytes
        self.uploads = uploads
        self.queueing = queueing
        self.deadline = deadline
        self.patience = patience
        self.leastBytes = leastBytes
    }
}

/// Part of a list of LoRA files.
package struct LoRASelection: Sendable, Hashable {
    package var type: LoRAType?
    package var after: LoRAPath?
    package var limit: Int

    package init(type: LoRAType? = nil, after: LoRAPath? = nil, limit: Int = 100) {
        self.type = type
        self.after = after
        self.limit = limit
    }
}
