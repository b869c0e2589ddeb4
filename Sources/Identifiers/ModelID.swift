/// The name of a model: in routes, on the command line, and of its folder.
///
/// It consists of lower-case ASCII letters, digits, `-` and `.`, starts with a letter or digit, does not end with `-`,
/// has no two `-` in a row and at most ``maximumLength`` characters, and is no name that some system keeps for a device, nor
/// that of the folder which LoRA files lie in beside the models.
/// So it is safe as the name of a file.
package struct ModelID: Hashable, Sendable {
    /// Most characters of an id.
    package static let maximumLength = 200

    /// The folder beside the models' that LoRA files lie in; no model can have its name.
    package static let reserved = "loras"

    package let rawValue: String

    /// Takes an id as it is; nil for text that no id may be.
    package init?(_ text: some StringProtocol) {
        let text = String(text)
        guard !text.isEmpty, text.utf8.count <= Self.maximumLength, Self.slug(text) == text, !text.isDeviceName,
            text != Self.reserved
        else { return nil }
        rawValue = text
    }

    /// The text with everything that an id cannot have turned into `-`; empty where nothing remains.
    package static func slug(_ text: String) -> String {
        var slug: [UInt8] = []
        for character in text.unicodeScalars {
            let byte: UInt8
            switch character {
            case "a"..."z", "0"..."9", ".": byte = UInt8(ascii: character)
            case "A"..."Z": byte = UInt8(ascii: character) | 0x20
            default: byte = UInt8(ascii: "-")
            }
            // A leading dot would hide the folder, or leave it.
            if slug.isEmpty, byte == UInt8(ascii: "-") || byte == UInt8(ascii: ".") { continue }
            if byte == UInt8(ascii: "-"), slug.last == byte { continue }
            slug.append(byte)
        }
        while slug.last == UInt8(ascii: "-") { slug.removeLast() }
        return String(decoding: slug, as: UTF8.self)
    }
}

extension ModelID: Comparable, CustomStringConvertible {
    package static func < (left: ModelID, right: ModelID) -> Bool { left.rawValue < right.rawValue }
    package var description: String { rawValue }
}

extension ModelID: Codable {
    package init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        let text = try container.decode(String.self)
        guard let id = ModelID(text) else {
            throw DecodingError.dataCorruptedError(
                in: container, debugDescription: "\"\(text.prefix(80))\" is no model id"
            )
        }
        self = id
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(rawValue)
    }
}
