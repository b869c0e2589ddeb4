/// Why the settings of a node could not be used.
///
/// The message names the setting, the value, where the value came from and what is allowed instead.
package struct SettingsError: Error, Hashable, CustomStringConvertible {
    /// What went wrong, open to more cases.
    package struct Code: Hashable, Sendable, RawRepresentable {
        package let rawValue: String

        package init(rawValue: String) { self.rawValue = rawValue }

        /// A value that the setting does not allow.
        package static let invalidValue = Code(rawValue: "invalid_value")
        /// A key in the settings file that no setting has.
        package static let unknownKey = Code(rawValue: "unknown_key")
        /// A settings file that could not be read or is not YAML.
        package static let unreadableFile = Code(rawValue: "unreadable_file")
        /// A settings file that somebody else can change: it can name a command.
        package static let untrustedFile = Code(rawValue: "untrusted_file")
    }

    package let code: Code
    /// The setting, such as `api.port`; nil when the error is about a whole file.
    package let key: String?
    package let message: String

    package var description: String { message }

    static func invalidValue(_ key: String, _ found: FoundSetting, allowed: String) -> SettingsError {
        let shown = found.isSecret ? "the value" : "“\(found.text.prefix(80))”"
        return SettingsError(
            code: .invalidValue,
            key: key,
            message: "setting \(key): \(shown) from \(found.source) is not allowed; use \(allowed)"
        )
    }
}
