import GGUF
package import Identifiers

extension ModelID {
    /// The id that a model gets from its file: the name without `.gguf`, lower-case, anything but letters, digits, `-`
    /// and `.` turned into `-`, runs of `-` collapsed. Of a model in parts (`name-00001-of-00003.gguf`) the numbers are
    /// left out. Nil where nothing remains.
    package init?(fileName: some StringProtocol) {
        var name = String(fileName.split(separator: "/", omittingEmptySubsequences: true).last ?? "")
        if let part = PartName.parse(name) {
            name = part.prefix
        } else if name.lowercased().hasSuffix(".gguf") {
            name.removeLast(5)
        }
        var slug = Self.slug(name)
        if slug.utf8.count > Self.maximumLength {
            slug = Self.slug(String(slug.prefix(Self.maximumLength)))
        }
        self.init(slug)
    }
}
