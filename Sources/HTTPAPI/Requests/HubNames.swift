import ModelLibrary

/// Names of repositories and files on a hub, as requests give them.
///
/// They become parts of addresses and of paths on this disk, so nothing but plain names passes: ASCII letters, digits and
/// `-_.+`, no step up or aside, nothing hidden, and no name that some system keeps for a device.
enum HubNames {
    private static let longestRepository = 96
    private static let longestFile = 256
    private static let longestRevision = 128

    /// "owner/name".
    ///
    /// - Throws: 400 that names the field.
    static func repository(_ text: String, field: String = "repo_id") throws(APIError) -> String {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard text.utf8.count <= longestRepository, parts.count == 2,
            parts.allSatisfy({ isName($0) && !$0.contains("--") })
        else {
            throw .invalidRequest(
                "“\(text.prefix(80))” is no repository", parameter: field,
                hint:
                    "Write it as owner/name, in letters, digits, “-”, “_” and “.”, at most \(longestRepository) of them."
            )
        }
        return text
    }

    /// The path of a GGUF file within a repository.
    ///
    /// - Throws: 400 that names the field.
    static func file(_ text: String, field: String = "filename") throws(APIError) -> String {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard text.utf8.count <= longestFile, text.lowercased().hasSuffix(".gguf"), parts.allSatisfy(isName),
            parts.last.map({ $0.utf8.count > ".gguf".utf8.count }) == true
        else {
            throw .invalidRequest(
                "“\(text.prefix(80))” is no GGUF file of a repository", parameter: field,
                hint: "Write its path within the repository, ending in .gguf.")
        }
        return text
    }

    /// A branch, tag or commit.
    ///
    /// - Throws: 400 that names the field.
    static func revision(_ text: String, field: String = "revision") throws(APIError) -> String {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard text.utf8.count <= longestRevision, parts.allSatisfy(isName) else {
            throw .invalidRequest(
                "“\(text.prefix(80))” is no revision", parameter: field, hint: "Write a branch, a tag or a commit.")
        }
        return text
    }

    /// Whether it is one step of a path that leads nowhere else.
    private static func isName(_ text: Substring) -> Bool {
        let isPlain = text.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "."),
                UInt8(ascii: "+"):
                true
            default: false
            }
        }
        guard isPlain, let first = text.utf8.first, let last = text.utf8.last else { return false }
        let edges = [UInt8(ascii: "."), UInt8(ascii: "-")]
        return !edges.contains(first) && !edges.contains(last) && !text.contains("..") && !text.isDeviceName
    }
}
