/// The name of a repository on the hub: `owner/name`.
///
/// Each part has 1 to ``maximumPartLength`` ASCII letters, digits, `-`, `_` and `.`, neither starts nor ends with `-` or `.`,
/// and has no `--` or `..`; the name does not end with `.git`. These are the hub's rules (`validate_repo_id` of the official
/// client); names that mean devices on some systems are refused besides.
package struct HubRepository: Hashable, Sendable {
    package static let maximumPartLength = 96

    package let owner: String
    package let name: String

    /// - Throws: `HubError` of code `invalidName`.
    package init(_ text: String) throws {
        func refused(_ why: String) -> HubError {
            HubError(
                .invalidName,
                "\(NameRules.quoted(text)) is no repository: \(why); write owner/name as on the hub's page of the model"
            )
        }
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 2 else { throw refused("it needs exactly one “/”") }
        for part in parts {
            guard !part.isEmpty else { throw refused("owner and name may not be empty") }
            guard part.utf8.count <= Self.maximumPartLength else {
                throw refused("owner and name have at most \(Self.maximumPartLength) characters")
            }
            guard part.utf8.allSatisfy({ NameRules.isAlphanumeric($0) || [0x2D, 0x2E, 0x5F].contains($0) }) else {
                throw refused("only ASCII letters, digits, “-”, “_” and “.” are allowed")
            }
            guard let first = part.first, let last = part.last, !"-.".contains(first), !"-.".contains(last) else {
                throw refused("owner and name neither start nor end with “-” or “.”")
            }
            guard !part.contains("--"), !part.contains("..") else { throw refused("“--” and “..” are not allowed") }
            guard !NameRules.isDevice(part) else { throw refused("\(part) is a reserved name") }
        }
        guard !parts[1].lowercased().hasSuffix(".git") else { throw refused("the name may not end with “.git”") }
        owner = String(parts[0])
        name = String(parts[1])
    }
}

extension HubRepository: CustomStringConvertible, Comparable {
    package var description: String { "\(owner)/\(name)" }
    package static func < (left: Self, right: Self) -> Bool { left.description < right.description }
}

extension HubRepository: Codable {
    package init(from decoder: any Decoder) throws {
        try self.init(decoder.singleValueContainer().decode(String.self))
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }
}
