/// Where a model's publisher has it: a GGUF file, or its first part, in a repository of a hub.
///
/// Encodes as `hf_source.json`.
package struct ModelOrigin: Sendable, Hashable, Codable {
    private enum CodingKeys: String, CodingKey {
        case repository = "repo_id"
        case file = "filename"
        case revision
        case projector = "mmproj_filename"
    }

    /// "owner/name".
    package var repository: String
    /// The path within the repository.
    package var file: String
    /// The commit that its bytes are of; nil: the newest one.
    package var revision: String?
    /// The path of the file that turns images into embeddings, where the repository has one.
    package var projector: String?

    package init(repository: String, file: String, revision: String? = nil, projector: String? = nil) {
        self.repository = repository
        self.file = file
        self.revision = revision
        self.projector = projector
    }
}
