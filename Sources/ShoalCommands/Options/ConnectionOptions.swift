package import ArgumentParser
package import Node

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// Which node a command talks to, and as whom.
package struct ConnectionOptions: ParsableArguments {
    @Option(name: .long, help: ArgumentHelp("The node's address (or SHOAL_URL).", valueName: "URL"))
    package var url: String?

    @Option(
        name: .long,
        help: ArgumentHelp(
            "An API token or the node's key (or SHOAL_API_KEY, or what “shoal login” kept).", valueName: "KEY"))
    package var apiKey: String?

    @Option(
        name: .long,
        help: ArgumentHelp("Data directory of the node on this machine (or SHOAL_DATA_DIR).", valueName: "DIR"))
    package var dataDir: String?

    package init() {}

    package mutating func validate() throws {
        guard let url else { return }
        guard NodeAddress(url) != nil else {
            throw ValidationError("--url \(url) is not an address such as http://127.0.0.1:8800")
        }
    }

    /// Resolves the options: flags, then the environment, then what the data directory says, then the default port.
    ///
    /// - Parameter mayBeAway: Whether a directory may be named that no node runs on.
    /// - Throws: `CommandError`; `SettingsError`.
    package func target(
        environment: [String: String] = ProcessInfo.processInfo.environment, mayBeAway: Bool = false
    ) throws -> NodeTarget {
        let directory = DataDirectory(path: try Settings.dataDirectory(flag: dataDir, environment: environment))
        let address: NodeAddress
        let source: NodeTarget.Source
        if let url, let given = NodeAddress(url) {
            (address, source) = (given, .flag)
        } else if dataDir == nil, let text = environment["SHOAL_URL"], !text.isEmpty {
            guard let given = NodeAddress(text) else {
                throw CommandError(
                    "SHOAL_URL holds “\(text.prefix(80))”, which is not an address such as http://127.0.0.1:8800")
            }
            (address, source) = (given, .environment)
        } else if let record = RunRecord.running(in: directory), let given = NodeAddress(record.url) {
            (address, source) = (given, .running)
        } else if let dataDir, !mayBeAway {
            // Another node may be at the standard address.
            throw CommandError(
                "no node runs on the data directory \(directory.path)",
                hint: "“shoal serve --data-dir \(dataDir)” starts one; --url ADDRESS asks another")
        } else {
            (address, source) = (.standard, .assumed)
        }
        let key: String?
        var actingAs: String?
        if let apiKey {
            key = apiKey
        } else if let text = environment["SHOAL_API_KEY"], !text.isEmpty {
            key = text
        } else if let entry = LogInFile(environment: environment).entryIfUsable(for: address) {
            (key, actingAs) = (entry.token, entry.username)
        } else if address.isLoopback {
            // The key of this machine's node is nobody else's business.
            key = try? APIKeyFile.load(in: directory)
        } else {
            key = nil
        }
        return NodeTarget(address: address, source: source, apiKey: key, actingAs: actingAs, directory: directory)
    }
}

/// A node to talk to.
package struct NodeTarget: Sendable {
    /// Where the address came from.
    package enum Source: Sendable { case flag, environment, running, assumed }

    package let address: NodeAddress
    package let source: Source
    package let apiKey: String?
    /// Whom “shoal login” has logged in there, where that is where the key is from.
    package let actingAs: String?
    package let directory: DataDirectory
}

extension NodeTarget {
    /// A node that is asked with a key from elsewhere than “shoal login”.
    package init(address: NodeAddress, source: Source, apiKey: String?, directory: DataDirectory) {
        self.init(address: address, source: source, apiKey: apiKey, actingAs: nil, directory: directory)
    }
}

/// Base address of a node's HTTP interface.
package struct NodeAddress: Sendable, Hashable, CustomStringConvertible {
    /// Without a slash at the end.
    package let text: String
    package let host: String

    /// The address of a node with default settings.
    package static let standard = NodeAddress(unchecked: "http://127.0.0.1:8800", host: "127.0.0.1")

    /// Parses `http://host:port` or `https://host:port`, with or without a path that requests are put under.
    package init?(_ text: String) {
        guard let url = URL(string: text), let scheme = url.scheme?.lowercased(), ["http", "https"].contains(scheme),
            let host = url.host(percentEncoded: false), !host.isEmpty, url.query() == nil, url.fragment() == nil,
            url.user() == nil
        else { return nil }
        var base = text
        while base.hasSuffix("/") { base.removeLast() }
        self.init(unchecked: base, host: host)
    }

    private init(unchecked text: String, host: String) {
        self.text = text
        self.host = host
    }

    package var isLoopback: Bool {
        host == "localhost" || host == "::1" || host == "[::1]" || host.hasPrefix("127.")
    }

    package var description: String { text }
}
