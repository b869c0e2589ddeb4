import Node
import SystemPackage

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif
#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// Whom “shoal login” has logged in where: `logins.json` in the user's configuration folder, readable by its owner alone.
struct LogInFile {
    /// An API token that was made for this command line.
    struct Entry: Codable, Equatable {
        var username: String
        var token: String
        /// By which the node revokes it.
        var tokenID: Int

        private enum CodingKeys: String, CodingKey {
            case username, token
            case tokenID = "token_id"
        }
    }

    let path: String

    /// - Parameter environment: whose `XDG_CONFIG_HOME` says where such files lie; `~/.config` otherwise.
    init(environment: [String: String]) {
        let folder =
            environment["XDG_CONFIG_HOME"].flatMap { $0.hasPrefix("/") ? $0 : nil }
            ?? Settings.absolutePath("~/.config", environment: environment)
        path = folder + "/shoal/logins.json"
    }

    /// The log-ins by the address of the node.
    ///
    /// - Throws: `CommandError` where the file is there and cannot be read.
    func entries() throws -> [String: Entry] {
        let bytes: [UInt8]
        do throws(Errno) {
            bytes = try SmallFile.read(path)
        } catch .noSuchFileOrDirectory {
            return [:]
        } catch {
            throw CommandError("\(path) cannot be read: \(error)")
        }
        do {
            return try JSONDecoder().decode([String: Entry].self, from: Data(bytes))
        } catch {
            throw CommandError("\(path) holds something else than log-ins", hint: "remove it and log in again")
        }
    }

    func entry(for address: NodeAddress) throws -> Entry? { try entries()[address.text] }

    /// The same for commands that can do without: a file that cannot be used is told of, unless it is none of this user's.
    func entryIfUsable(for address: NodeAddress) -> Entry? {
        do {
            return try entry(for: address)
        } catch {
            if access(path, R_OK) == 0 { Terminal.errorLine("warning: \(CommandError(describing: error).message)") }
            return nil
        }
    }

    /// Puts an entry in the place of the one before; nil for none.
    func set(_ entry: Entry?, for address: NodeAddress) throws {
        // A damaged file is of use to nobody.
        var entries = (try? entries()) ?? [:]
        entries[address.text] = entry
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        do {
            let folder = String(path.prefix(upTo: path.lastIndex(of: "/") ?? path.startIndex))
            try FileManager.default.createDirectory(
                atPath: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
            try SmallFile.write(Array(encoder.encode(entries)) + [UInt8(ascii: "\n")], to: path)
        } catch {
            throw CommandError("\(path) cannot be written: \(error)")
        }
    }
}
