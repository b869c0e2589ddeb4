package import Adapters
package import Store

/// LoRA files: taking them in, listing, deleting, and the bin. What changes something takes a note that is written down with it.
///
/// Functions throw `AdapterError`.
package protocol LoRAService: Sendable {
    /// Takes room for an upload.
    func room(for bytes: UInt64) async throws -> LoRARoom
    /// Begins to take a file in.
    func beginUpload(in room: LoRARoom) throws -> LoRAUpload
    /// Makes what has come a file of the library.
    func finish(
        _ upload: LoRAUpload, as name: LoRAFileName, type: LoRAType, versioned: Bool, note: ChangeNote<StoredLoRA>
    ) async throws -> StoredLoRA
    func files(of type: LoRAType?, after: LoRAPath?, limit: Int) async throws -> LoRAPage<LoRAFile>
    func deletedFiles(of type: LoRAType?, after: LoRAPath?, limit: Int) async throws -> LoRAPage<DeletedLoRA>
    /// Moves a file to the bin.
    func delete(_ path: LoRAPath, note: ChangeNote<DeletedLoRA>) async throws -> DeletedLoRA
    /// Moves a file from the bin to where it was.
    func restore(_ path: LoRAPath, versioned: Bool, note: ChangeNote<LoRAFile>) async throws -> LoRAFile
    /// Removes one file of the bin for good.
    func purge(_ path: LoRAPath, note: ChangeNote<LoRAPath>) async throws
    /// Removes all files of the bin for good; how many there were. The note is for each of them.
    func purgeAll(note: ChangeNote<LoRAPath>) async throws -> Int
}

extension LoRALibrary: LoRAService {}

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
