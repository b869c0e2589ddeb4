/// A branch, tag or commit of a repository.
package struct HubRevision: Hashable, Sendable, CustomStringConvertible {
    /// The branch that the hub shows.
    package static let main = HubRevision(unchecked: "main")
    package static let maximumLength = 128

    package let text: String
    package var description: String { text }

    /// - Throws: `HubError` of code `invalidName` for anything but ASCII letters, digits, `-`, `_`, `.` and `/`, or with `..`, an
    ///   empty part, or a part that begins with a dot or a hyphen.
    package init(_ text: String) throws {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        let isAllowed = parts.allSatisfy { part in
            part.first.map { !"-.".contains($0) } == true && part.last != "." && !part.contains("..")
                && part.utf8.allSatisfy { NameRules.isAlphanumeric($0) || [0x2D, 0x2E, 0x5F].contains($0) }
        }
        guard isAllowed, text.utf8.count <= Self.maximumLength else {
            throw HubError(
                .invalidName,
                "\(NameRules.quoted(text)) is no revision; write a branch, a tag or a commit of the repository")
        }
        self.text = text
    }

    private init(unchecked text: String) { self.text = text }
}
