/// The name of a LoRA file: ASCII letters, digits and `._-`, no leading dot, at most 128 characters, and a known extension.
package struct LoRAFileName: Hashable, Sendable, CustomStringConvertible {
    package static let maximumLength = 128

    /// What a file is by its name, which its content has to bear out.
    package enum Format: Sendable {
        case safetensors
        /// A file of `torch.save`.
        case checkpoint
    }

    private static let formats: [String: Format] = [
        "safetensors": .safetensors, "ckpt": .checkpoint, "pt": .checkpoint, "pth": .checkpoint, "bin": .checkpoint,
    ]

    /// The name up to the extension, without the dot.
    private let stem: String
    /// In lower case.
    private let fileExtension: String
    package let format: Format

    package var description: String { "\(stem).\(fileExtension)" }

    /// Exactly this name; nil where it is not one.
    package init?(_ name: String) {
        guard let parts = Self.parts(of: name), parts.fileExtension == parts.fileExtension.lowercased(),
            name.utf8.count <= Self.maximumLength, parts.stem.utf8.first != UInt8(ascii: "."),
            name.utf8.allSatisfy(Self.isSafe), let format = Self.formats[parts.fileExtension]
        else { return nil }
        (stem, fileExtension) = parts
        self.format = format
    }

    /// The safe name for a file that somebody calls `original`: each run of other characters becomes `_`, and what is too long is
    /// cut before the extension.
    ///
    /// - Throws: `AdapterError` of code `badName` where it is a path, has control characters or no known extension, could be taken
    ///   for an option, or is the name of a device on some system.
    package init(safe original: String) throws {
        guard original.utf8.count <= 1024,
            original.utf8.allSatisfy({ $0 >= 0x20 && $0 != 0x7F && $0 != 0x2F && $0 != 0x5C })
        else { throw AdapterError(.badName, "the file name is a path, very long or has control characters") }
        guard let parts = Self.parts(of: original), let format = Self.formats[parts.fileExtension.lowercased()] else {
            throw AdapterError(
                .badName, "the file name needs an extension: .safetensors, .ckpt, .pt, .pth or .bin")
        }
        var stem = ""
        for character in parts.stem.unicodeScalars {
            if character.isASCII, Self.isSafe(UInt8(character.value)), !(stem.isEmpty && character == ".") {
                stem.unicodeScalars.append(character)
            } else if !stem.hasSuffix("_") {
                stem += "_"
            }
        }
        guard !stem.hasPrefix("-"), !Self.isDevice(stem) else {
            throw AdapterError(
                .badName,
                "the file name begins with “-”, or is the name of a device; call it something else, as my_\(stem.drop { $0 == "-" })"
            )
        }
        fileExtension = parts.fileExtension.lowercased()
        self.stem = String(stem.prefix(Self.maximumLength - fileExtension.utf8.count - 1))
        self.format = format
    }

    private init(stem: String, like other: LoRAFileName) {
        self.stem = stem
        fileExtension = other.fileExtension
        format = other.format
    }

    /// `name_v2.ext` and so on; version 1 is the name itself.
    func version(_ number: Int) -> LoRAFileName {
        guard number > 1 else { return self }
        let suffix = "_v\(number)"
        let room = Self.maximumLength - fileExtension.utf8.count - 1 - suffix.utf8.count
        return LoRAFileName(stem: stem.prefix(room) + suffix, like: self)
    }

    /// Whether Windows opens a device by this name, with any extension and in either case. Source: “Naming Files, Paths, and
    /// Namespaces” of its documentation.
    private static func isDevice(_ stem: String) -> Bool {
        let base = stem.prefix { $0 != "." }.lowercased()
        if ["con", "prn", "aux", "nul"].contains(base) { return true }
        return base.count == 4 && ["com", "lpt"].contains(base.prefix(3)) && base.last!.isWholeNumber
    }

    private static func parts(of name: String) -> (stem: String, fileExtension: String)? {
        guard let dot = name.lastIndex(of: "."), dot > name.startIndex else { return nil }
        return (String(name[..<dot]), String(name[name.index(after: dot)...]))
    }

    private static func isSafe(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x2E, 0x5F, 0x2D: true
        default: false
        }
    }
}

/// Where a LoRA file lies in the library or the bin: `styles/name.safetensors`.
package struct LoRAPath: Hashable, Sendable, CustomStringConvertible {
    package let type: LoRAType
    package let name: LoRAFileName

    package var description: String { "\(type.rawValue)/\(name)" }

    package init(type: LoRAType, name: LoRAFileName) {
        self.type = type
        self.name = name
    }

    /// - Throws: `AdapterError` of code `badName` for everything but a type, a slash and a safe name.
    package init(partialPath: String) throws {
        let parts = partialPath.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 2, let type = LoRAType(rawValue: String(parts[0])),
            parts[0].utf8.elementsEqual(type.rawValue.utf8), let name = LoRAFileName(String(parts[1]))
        else { throw AdapterError(.badName, "this is no path of a LoRA file; it looks like styles/name.safetensors") }
        self.type = type
        self.name = name
    }
}

extension LoRAPath: Comparable {
    /// By bytes.
    package static func < (one: LoRAPath, other: LoRAPath) -> Bool {
        one.description.utf8.lexicographicallyPrecedes(other.description.utf8)
    }
}
