/// The path of a file in a repository, with its sub-folders.
///
/// Printable ASCII without `\ % ? # : * " < > |`, at most ``maximumLength`` characters, parts separated by single `/`. No part is
/// empty, `.` or `..`, ends with a dot or a space, starts with a space, or means a device on some systems. So it stays inside
/// whatever folder it is appended to.
package struct HubFilePath: Hashable, Sendable {
    package static let maximumLength = 512
    /// Longest part, as on the usual file systems.
    package static let maximumPartLength = 255
    private static let forbidden = Set("\\%?#:*\"<>|".utf8)

    package let text: String

    /// - Throws: `HubError` of code `invalidName`.
    package init(_ text: String) throws {
        func refused(_ why: String) -> HubError {
            HubError(
                .invalidName,
                "\(NameRules.quoted(text)) is no path of a file in a repository: \(why); write it as the hub lists it")
        }
        guard !text.isEmpty else { throw refused("it is empty") }
        guard text.utf8.count <= Self.maximumLength else {
            throw refused("it has more than \(Self.maximumLength) characters")
        }
        guard text.utf8.allSatisfy({ (0x20...0x7E).contains($0) && !Self.forbidden.contains($0) }) else {
            throw refused("only printable ASCII without \\ % ? # : * \" < > | is allowed")
        }
        for part in text.split(separator: "/", omittingEmptySubsequences: false) {
            guard let first = part.first, let last = part.last else {
                throw refused("it starts or ends with “/”, or has two in a row")
            }
            guard part != ".", part != ".." else { throw refused("“\(part)” is not allowed in it") }
            guard last != ".", last != " ", first != " " else {
                throw refused("a part of it begins or ends with a space, or ends with a dot")
            }
            guard part.utf8.count <= Self.maximumPartLength else {
                throw refused("a part of it has more than \(Self.maximumPartLength) characters")
            }
            guard !NameRules.isDevice(part) else { throw refused("“\(part)” is a reserved name") }
        }
        self.text = text
    }

    /// The file's name without its folders.
    package var name: String { String(text.split(separator: "/").last ?? "") }

    /// The folders it lies in, without the last `/`; empty at the top.
    package var folder: String { text.split(separator: "/").dropLast().joined(separator: "/") }

    /// Whether the name ends with `.gguf`.
    package var isGGUF: Bool { text.lowercased().hasSuffix(".gguf") && name.utf8.count > 5 }
}

extension HubFilePath: CustomStringConvertible, Comparable {
    package var description: String { text }
    package static func < (left: Self, right: Self) -> Bool { left.text < right.text }
}

extension HubFilePath: Codable {
    package init(from decoder: any Decoder) throws {
        try self.init(decoder.singleValueContainer().decode(String.self))
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(text)
    }
}
