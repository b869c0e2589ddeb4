/// A LoRA file of the library.
struct LoRASummary: Codable, Sendable {
    var filePath: String
    var partialPath: String
    var filename: String
    var fileSize: Int64
    var entityType: String
    var uploadTimestamp: String
    var sha256: String?
}

/// A LoRA file in the bin.
struct DeletedLoRASummary: Codable, Sendable {
    var binPath: String
    var partialPath: String
    var originalPath: String
    var filename: String
    var fileSize: Int64
    var entityType: String
    var deletedAt: String?
    var sha256: String?
}

/// A part of a list of LoRA files.
struct LoRAList<File: Codable & Sendable>: Codable, Sendable {
    var files: [File]
    var next: String?
}

/// What became of an upload.
struct LoRAUploadAnswer: Decodable, Sendable {
    var partialPath: String
    var fileSize: Int64
    var sameAs: String?
}

extension NodeClient {
    /// All files of a list, page by page.
    func loras<File>(at path: String, type: String?) async throws -> LoRAList<File> {
        var list = LoRAList<File>(files: [], next: nil)
        let filter = type.map { "&entity_type=\($0)" } ?? ""
        repeat {
            let after = list.next.map { "&after=\($0)" } ?? ""
            let page: LoRAList<File> = try await get("\(path)?limit=1000\(filter)\(after)")
            list.files += page.files
            list.next = page.next
        } while list.next != nil
        return list
    }
}
