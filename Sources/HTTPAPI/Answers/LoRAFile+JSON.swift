import Adapters
import JSON

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

extension StoredLoRA {
    /// `LoRAUploadResponse`, or `AdminLoRAUploadResponse` with what users are not told: what else the library has.
    ///
    /// - Parameter fileName: what the client called the file.
    func fields(fileName: String, forAdministrator: Bool) -> [(String, JSONValue)] {
        var fields: [(String, JSONValue)] = [
            ("file_path", .string(file.fullPath)),
            ("partial_path", .string("\(file.path)")),
            ("filename", .string(fileName)),
            ("file_size", .integer(Int(clamping: file.sizeBytes))),
            ("upload_timestamp", .string(file.added.formatted(.iso8601))),
        ]
        guard forAdministrator else { return fields }
        fields.append(("entity_type", .string(file.path.type.rawValue)))
        if let sameAs { fields.append(("same_as", .string("\(sameAs)"))) }
        return fields
    }
}

extension LoRAFile {
    var json: JSONValue {
        [
            "file_path": .string(fullPath),
            "partial_path": .string("\(path)"),
            "filename": .string("\(path.name)"),
            "file_size": .integer(Int(clamping: sizeBytes)),
            "entity_type": .string(path.type.rawValue),
            "upload_timestamp": .string(added.formatted(.iso8601)),
            "sha256": sha256.map { .string($0) } ?? .null,
        ]
    }
}

extension DeletedLoRA {
    /// `LoRADeleteResponse`.
    var deletion: [(String, JSONValue)] {
        [
            ("deleted", true),
            ("full_path", .string(originalFullPath)),
            ("bin_path", .string(fullPath)),
            ("timestamp", .string((deleted ?? Date()).formatted(.iso8601))),
        ]
    }

    var json: JSONValue {
        [
            "bin_path": .string(fullPath),
            "partial_path": .string("\(path)"),
            "original_path": .string("\(original)"),
            "filename": .string("\(path.name)"),
            "file_size": .integer(Int(clamping: sizeBytes)),
            "entity_type": .string(path.type.rawValue),
            "deleted_at": deleted.map { .string($0.formatted(.iso8601)) } ?? .null,
            "sha256": sha256.map { .string($0) } ?? .null,
        ]
    }
}

extension LoRAPath? {
    var json: JSONValue { map { .string("\($0)") } ?? .null }
}
