import Adapters
import NodeAPI

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

extension LoRAUploadBody {
    /// - Parameters:
    ///   - fileName: what the client called the file.
    ///   - forAdministrator: whether to say what else the library has, which users are not told.
    init(_ stored: StoredLoRA, fileName: String, forAdministrator: Bool) {
        let file = stored.file
        self.init(
            filePath: file.fullPath, partialPath: "\(file.path)", filename: fileName,
            fileSize: Int64(clamping: file.sizeBytes), uploadTimestamp: file.added.formatted(.iso8601),
            entityType: forAdministrator ? file.path.type.rawValue : nil,
            sameAs: forAdministrator ? stored.sameAs.map { "\($0)" } : nil)
    }
}

extension LoRABody {
    init(_ file: LoRAFile) {
        self.init(
            filePath: file.fullPath, partialPath: "\(file.path)", filename: "\(file.path.name)",
            fileSize: Int64(clamping: file.sizeBytes), entityType: file.path.type.rawValue,
            uploadTimestamp: file.added.formatted(.iso8601), sha256: file.sha256)
    }
}

extension LoRADeletionBody {
    init(_ file: DeletedLoRA) {
        self.init(
            fullPath: file.originalFullPath, binPath: file.fullPath,
            timestamp: (file.deleted ?? Date()).formatted(.iso8601))
    }
}

extension DeletedLoRABody {
    init(_ file: DeletedLoRA) {
        self.init(
            binPath: file.fullPath, partialPath: "\(file.path)", originalPath: "\(file.original)",
            filename: "\(file.path.name)", fileSize: Int64(clamping: file.sizeBytes),
            entityType: file.path.type.rawValue, deletedAt: file.deleted?.formatted(.iso8601), sha256: file.sha256)
    }
}
