package import FoundationEssentials

/// A LoRA file of the library.
package struct LoRAFile: Hashable, Sendable {
    package let path: LoRAPath
    package let fullPath: String
    package let sizeBytes: UInt64
    /// When it came; for files put there by hand, when they were last written.
    package let added: Date
    /// In hex; nil while it is not known: see `LoRALibrary.keepHashes`.
    package let sha256: String?
}

/// What became of an upload.
package struct StoredLoRA: Hashable, Sendable {
    package let file: LoRAFile
    /// A file of the library that had exactly these bytes before, if there was one.
    package let sameAs: LoRAPath?
}

/// A LoRA file in the bin.
package struct DeletedLoRA: Hashable, Sendable {
    /// Its path in the bin, which names it there: a name that was deleted twice has a version.
    package let path: LoRAPath
    package let fullPath: String
    /// Where it was in the library.
    package let original: LoRAPath
    package let originalFullPath: String
    package let sizeBytes: UInt64
    /// Nil for files put there by hand.
    package let deleted: Date?
    /// In hex; nil where it was not known yet.
    package let sha256: String?
}

/// Part of a list, in the order of the paths.
package struct LoRAPage<Element: Sendable>: Sendable {
    package let elements: [Element]
    /// What to give as `after` for the next part; nil at the end.
    package let next: LoRAPath?
}
