/// What the names in repositories and paths have in common.
enum NameRules {
    /// Names that mean devices on some systems, with any extension and in any case.
    private static let devices: Set<String> = {
        let numbered = ["com", "lpt"].flatMap { name in (0...9).map { "\(name)\($0)" } }
        return Set(["con", "prn", "aux", "nul", "conin$", "conout$"] + numbered)
    }()

    /// Whether `part` means a device on some systems.
    static func isDevice(_ part: Substring) -> Bool {
        let stem = part.prefix { $0 != "." }
        return devices.contains(stem.lowercased().filter { $0 != " " })
    }

    static func isAlphanumeric(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "a")...UInt8(ascii: "z"):
            true
        default: false
        }
    }

    /// `text` as it may stand in a message: short, and without control characters.
    static func quoted(_ text: String) -> String {
        let shown = text.unicodeScalars.prefix(80).map { scalar in
            scalar.value < 0x20 || (0x7F...0x9F).contains(scalar.value) ? "\u{FFFD}" : String(scalar)
        }
        return "“\(shown.joined())\(text.unicodeScalars.count > 80 ? "…" : "")”"
    }
}
