/// What is between a stranger and a repository's files.
package enum HubGate: String, Sendable, Codable {
    /// Nothing.
    case open
    /// A licence to accept.
    case automatic
    /// A request that the owner decides.
    case manual
}

/// A repository at one commit.
package struct HubRepositoryInfo: Sendable, Equatable {
    package let repository: HubRepository
    package let commit: String
    package let downloads: Int
    package let likes: Int
    package let tags: [String]
    package let gate: HubGate
    package let isPrivate: Bool
    /// As the hub writes it: `2024-05-06T07:08:09.000Z`.
    package let lastModified: String?
    /// All files whose paths can be fetched.
    package let files: [HubListedFile]

    /// The GGUF models among the files.
    package var variants: [HubVariant] { HubVariant.group(files) }
}

/// A repository that a search found.
package struct HubSearchHit: Sendable, Equatable {
    package let repository: HubRepository
    package let downloads: Int
    package let likes: Int
    package let tags: [String]
    package let gate: HubGate
    package let lastModified: String?
    /// The GGUF files, with sizes where they were asked for and known.
    package var files: [HubListedFile]

    /// The GGUF models among the files.
    package var variants: [HubVariant] { HubVariant.group(files) }
}
