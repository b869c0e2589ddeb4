/// Reads settings one by one from the sources, validates each, and remembers which keys exist.
struct SettingsReader {
    private let sources: SettingsSources
    /// Every key that was asked for: the settings that exist.
    private(set) var known: Set<String> = []

    init(sources: SettingsSources) {
        self.sources = sources
    }

    /// A whole number within `range`.
    mutating func integer(_ key: String, default fallback: Int, in range: ClosedRange<Int>) throws -> Int {
        let allowed = "a whole number from \(range.lowerBound) to \(range.upperBound)"
        return try value(key, default: fallback, allowed: allowed) { text in
            Int(text).flatMap { range.contains($0) ? $0 : nil }
        }
    }

    /// A duration in seconds, written as a whole or decimal number.
    mutating func seconds(_ key: String, default fallback: Double, in range: ClosedRange<Double>) throws -> Duration {
        let allowed = "a number of seconds from \(range.lowerBound) to \(range.upperBound)"
        let seconds = try value(key, default: fallback, allowed: allowed) { text in
            Double(text).flatMap { range.contains($0) ? $0 : nil }
        }
        return .seconds(seconds)
    }

    /// `true` or `false`; `yes`, `no`, `on`, `off`, `1` and `0` are understood as well.
    mutating func flag(_ key: String, default fallback: Bool) throws -> Bool {
        try value(key, default: fallback, allowed: "true or false") { text in
            switch text.lowercased() {
            case "true", "yes", "on", "1": true
            case "false", "no", "off", "0": false
            default: nil
            }
        }
    }

    /// One of the cases of an enumeration of words.
    mutating func choice<Choice: RawRepresentable<String> & CaseIterable>(
        _ key: String, default fallback: Choice
    ) throws -> Choice {
        let words = Choice.allCases.map(\.rawValue).joined(separator: ", ")
        return try value(key, default: fallback, allowed: "one of \(words)") { Choice(rawValue: $0.lowercased()) }
    }

    /// Text that `parse` accepts.
    mutating func value<Value>(
        _ key: String, default fallback: @autoclosure () throws -> Value, allowed: String, isSecret: Bool = false,
        parse: (String) throws -> Value?
    ) throws -> Value {
        try optional(key, allowed: allowed, isSecret: isSecret, parse: parse) ?? fallback()
    }

    /// Text that `parse` accepts, or nil when no source has the key.
    mutating func optional<Value>(
        _ key: String, allowed: String, isSecret: Bool = false, parse: (String) throws -> Value?
    ) throws -> Value? {
        known.insert(key)
        guard let found = try sources.find(key, isSecret: isSecret) else { return nil }
        guard let value = try parse(found.text) else { throw SettingsError.invalidValue(key, found, allowed: allowed) }
        return value
    }

    /// To be called after the last key: refuses unknown keys of the file, and answers the unknown environment variables.
    func finish() throws -> [String] {
        try sources.file?.refuseUnknown(known: known)
        return sources.unknownVariables(known: known)
    }
}
