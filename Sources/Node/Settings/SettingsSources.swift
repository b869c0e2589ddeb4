import Configuration

/// A value as it was written in one of the sources, before it is validated.
struct FoundSetting: Sendable, Hashable {
    let text: String
    /// Where it stands, in words: `--port`, `SHOAL_API_PORT`, or `/data/shoal.yaml:4`.
    let source: String
    let isSecret: Bool
}

/// The places that settings come from, in falling precedence: flags, environment, file.
///
/// Every value is looked up as text through a `ConfigProvider` per source, so that an error can say which source has
/// the value at fault; conversion and validation are ``SettingsReader``'s.
package struct SettingsSources: Sendable {
    private let flags: InMemoryProvider
    private let environment: any ConfigProvider
    private let environmentNames: Set<String>
    let file: SettingsFile?

    /// - Parameters:
    ///   - flags: Values given on the command line, by setting key (`api.port`).
    ///   - environment: The process's environment variables.
    ///   - file: The settings file, when there is one.
    package init(flags: [String: String], environment: [String: String], file: SettingsFile? = nil) {
        var values: [AbsoluteConfigKey: ConfigValue] = [:]
        for (key, text) in flags { values[Self.configKey(key)] = ConfigValue(.string(text), isSecret: false) }
        self.flags = InMemoryProvider(name: "flags", values: values)
        var named = environment
        if let directory = environment["SHOAL_DATA_DIR"], named["SHOAL_NODE_DATA_DIR"] == nil {
            named["SHOAL_NODE_DATA_DIR"] = directory
        }
        self.environment = EnvironmentVariablesProvider(environmentVariables: named).prefixKeys(with: "shoal")
        self.environmentNames = Set(environment.keys.filter { $0.hasPrefix("SHOAL_") })
        self.file = file
    }

    /// The value of `key` from the first source that has one; an empty environment variable counts as none.
    func find(_ key: String, isSecret: Bool = false) throws -> FoundSetting? {
        if let text = try text(of: key, in: flags) {
            return FoundSetting(text: text, source: "--" + Self.flagName(key), isSecret: isSecret)
        }
        if let text = try text(of: key, in: environment), !text.isEmpty {
            return FoundSetting(text: text, source: "the environment variable \(variable(key))", isSecret: isSecret)
        }
        return try file?.find(key, isSecret: isSecret)
    }

    /// Environment variables that look like settings but are none, so that a misspelt one does not go unnoticed.
    func unknownVariables(known keys: Set<String>) -> [String] {
        let names = Set(keys.map { Self.variableName($0) })
        return environmentNames.subtracting(names).subtracting(Self.otherVariables).sorted()
    }

    /// Variables of other parts: the command line's client, the build, and the tests.
    private static let otherVariables: Set<String> = [
        "SHOAL_DATA_DIR", "SHOAL_URL", "SHOAL_API_KEY", "SHOAL_ENGINE_PREFIX", "SHOAL_BIN", "SHOAL_SLOWNESS",
    ]

    private func text(of key: String, in provider: any ConfigProvider) throws -> String? {
        guard case .string(let text)? = try provider.value(forKey: Self.configKey(key), type: .string).value?.content
        else { return nil }
        return text
    }

    private func variable(_ key: String) -> String {
        key == "node.data_dir" && !environmentNames.contains("SHOAL_NODE_DATA_DIR")
            ? "SHOAL_DATA_DIR" : Self.variableName(key)
    }

    static func configKey(_ key: String) -> AbsoluteConfigKey {
        AbsoluteConfigKey(key.split(separator: ".").map(String.init))
    }

    /// `api.open_reads` is `SHOAL_API_OPEN_READS`.
    package static func variableName(_ key: String) -> String {
        "SHOAL_" + key.uppercased().map { $0.isLetter || $0.isNumber ? String($0) : "_" }.joined()
    }

    /// The flag that carries a setting on the command line of `shoal serve`.
    private static func flagName(_ key: String) -> String {
        switch key {
        case "api.host": "host"
        case "api.port": "port"
        case "swarm.host": "swarm-host"
        case "swarm.port": "swarm-port"
        case "swarm.join": "join"
        default: key.split(separator: ".").last.map { String($0).replacing("_", with: "-") } ?? key
        }
    }
}
