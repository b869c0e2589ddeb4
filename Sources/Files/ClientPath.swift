/// A path as a client writes it, relative to the root whether or not it begins with `/`: names that are not empty, not `.` or `..`,
/// and not hidden.
package struct ClientPath: Hashable, Sendable, CustomStringConvertible {
    /// Longest path in bytes, as systems have it (limits.h).
    package static let maximumBytes = 4096
    /// Longest name in bytes.
    package static let maximumNameBytes = 255
    /// Most names in a path.
    package static let maximumNames = 128

    package let names: [String]

    /// - Throws: `FileError` of code `badPath` for `..`, NUL, and what is too long or too deep; `hidden`.
    package init(_ text: String) throws(FileError) {
        guard text.utf8.count <= Self.maximumBytes else {
            throw FileError(.badPath, "the path has more than \(Self.maximumBytes) bytes")
        }
        guard !text.utf8.contains(0) else { throw FileError(.badPath, "the path has a NUL byte in it") }
        var names: [String] = []
        // Over bytes: a combining character after the slash would make another Character of it.
        for bytes in text.utf8.split(separator: UInt8(ascii: "/")) {
            let name = String(decoding: bytes, as: UTF8.self)
            switch name {
            case ".": continue
            case "..":
                throw FileError(.badPath, "the path \(FileError.shown(text)) has “..” in it; write it without")
            default: break
            }
            guard name.utf8.first != UInt8(ascii: ".") else {
                throw FileError(.hidden, "hidden files are not shown: \(FileError.shown(text))")
            }
            guard name.utf8.count <= Self.maximumNameBytes else {
                throw FileError(.badPath, "a name in the path has more than \(Self.maximumNameBytes) bytes")
            }
            names.append(name)
            guard names.count <= Self.maximumNames else {
                throw FileError(.badPath, "the path has more than \(Self.maximumNames) names")
            }
        }
        self.names = names
    }

    /// With `/` before each name; `/` for the root.
    package var description: String { names.isEmpty ? "/" : names.map { "/" + $0 }.joined() }

    /// The path of an entry of this folder.
    func appending(_ name: String) -> String { names.isEmpty ? "/" + name : "\(self)/\(name)" }
}
