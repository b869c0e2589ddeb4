import Configuration
import SystemPackage
import Yams

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// A settings file in YAML: sections at the top level, `key: value` inside them.
package struct SettingsFile: Sendable {
    package let path: String
    private let snapshot: YAMLSnapshot
    /// The line of every key that the file has, by its path (`api.port`).
    private let lines: [String: Int]

    /// Reads and parses the file.
    ///
    /// - Throws: `SettingsError` when it cannot be read or is not YAML with sections.
    package init(path: String) throws {
        let bytes: [UInt8]
        do {
            bytes = try SmallFile.read(path)
        } catch {
            throw SettingsError(
                code: .unreadableFile, key: nil, message: "cannot read the settings file \(path): \(error)")
        }
        try Self.checkOwner(of: path)
        try self.init(path: path, contents: bytes)
    }

    /// - Throws: `SettingsError` with `untrustedFile` where a user who is neither this one nor root could have written the file.
    private static func checkOwner(of path: String) throws(SettingsError) {
        guard let status = try? Stat(FilePath(path)) else { return }
        let owner = status.userID.rawValue
        guard owner == geteuid() || owner == 0 else {
            throw SettingsError(
                code: .untrustedFile, key: nil,
                message:
                    "the settings file \(path) is another user's, who could have the node run commands; chown it to the user that runs "
                    + "the node, or to root")
        }
        guard status.permissions.rawValue & 0o002 == 0 else {
            throw SettingsError(
                code: .untrustedFile, key: nil,
                message:
                    "the settings file \(path) can be changed by every user of this machine, who could have the node run commands; look "
                    + "through it, then chmod 600 \(path)")
        }
    }

    /// Parses the contents of a file that `path` names in messages.
    package init(path: String, contents: [UInt8]) throws {
        self.path = path
        guard let text = String(validating: contents, as: UTF8.self) else {
            throw SettingsError(code: .unreadableFile, key: nil, message: "the settings file \(path) is not UTF-8 text")
        }
        var lines: [String: Int] = [:]
        do {
            if let root = try Yams.compose(yaml: text) {
                try Self.collect(root, at: [], path: path, into: &lines)
            }
            // An empty file or one of comments only has no root; the snapshot wants a mapping.
            let usable = lines.isEmpty ? Array("{}".utf8) : contents
            self.snapshot = try YAMLSnapshot(data: usable.span.bytes, providerName: path, parsingOptions: .default)
        } catch let error as SettingsError {
            throw error
        } catch {
            throw SettingsError(
                code: .unreadableFile,
                key: nil,
                message: "the settings file \(path) is not valid YAML: \(error)"
            )
        }
        self.lines = lines
    }

    /// Every key of the file.
    package var keys: [String] { lines.keys.sorted { (lines[$0] ?? 0, $0) < (lines[$1] ?? 0, $1) } }

    func find(_ key: String, isSecret: Bool) throws -> FoundSetting? {
        guard let line = lines[key] else { return nil }
        let value = try? snapshot.value(forKey: SettingsSources.configKey(key), type: .string).value
        guard case .string(let text)? = value?.content else {
            throw SettingsError(
                code: .invalidValue,
                key: key,
                message:
                    "setting \(key) in \(path):\(line) holds a list; give one value (several are separated by commas)"
            )
        }
        return FoundSetting(text: text, source: "\(path):\(line)", isSecret: isSecret)
    }

    /// Refuses keys that no setting has, with the nearest one as a suggestion.
    func refuseUnknown(known: Set<String>) throws {
        for key in keys where !known.contains(key) {
            let nearest = known.map { (distance: Self.editDistance($0, key), key: $0) }
                .min { ($0.distance, $0.key) < ($1.distance, $1.key) }
            var message = "unknown setting \(key) in \(path):\(lines[key] ?? 0)"
            if let nearest, nearest.distance <= max(2, key.count / 3) {
                message += "; did you mean \(nearest.key)?"
            } else {
                let section = key.split(separator: ".").first.map(String.init) ?? key
                let siblings = known.filter { $0.hasPrefix(section + ".") }.sorted()
                message +=
                    siblings.isEmpty
                    ? "; the sections are \(Self.sections(of: known))"
                    : "; the section \(section) has \(siblings.joined(separator: ", "))"
            }
            throw SettingsError(code: .unknownKey, key: key, message: message)
        }
    }

    private static func sections(of known: Set<String>) -> String {
        Set(known.compactMap { $0.split(separator: ".").first.map(String.init) }).sorted().joined(separator: ", ")
    }

    private static func collect(
        _ node: Yams.Node, at keyPath: [String], path: String, into lines: inout [String: Int]
    ) throws {
        guard case .mapping(let mapping) = node else {
            throw SettingsError(
                code: .unreadableFile,
                key: nil,
                message: "the settings file \(path) must hold sections with “key: value” lines in them"
            )
        }
        for (keyNode, value) in mapping {
            guard let name = keyNode.string else { continue }
            let inner = keyPath + [name]
            // A section with nothing in it is a null scalar.
            if case .mapping = value {
                try collect(value, at: inner, path: path, into: &lines)
            } else if keyPath.isEmpty, value.null != nil {
                continue
            } else {
                lines[inner.joined(separator: ".")] = keyNode.mark?.line ?? 0
            }
        }
    }

    /// Levenshtein distance over characters.
    static func editDistance(_ left: String, _ right: String) -> Int {
        let right = Array(right)
        var row = Array(0...right.count)
        for (i, character) in left.enumerated() {
            var diagonal = row[0]
            row[0] = i + 1
            for j in right.indices {
                let substitution = diagonal + (character == right[j] ? 0 : 1)
                diagonal = row[j + 1]
                row[j + 1] = min(substitution, row[j] + 1, diagonal + 1)
            }
        }
        return row[right.count]
    }
}
