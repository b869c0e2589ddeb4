#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// How a running daemon is reached: `run.json` in its data directory, there as long as the daemon runs.
package struct RunRecord: Codable, Sendable, Equatable {
    package var processID: Int32
    /// Base of the HTTP interface, such as `http://127.0.0.1:8800`.
    package var url: String
    /// Port of the links to other nodes; nil while it is not open yet.
    package var swarmPort: Int?
    package var version: String

    package init(processID: Int32, url: String, swarmPort: Int?, version: String) {
        self.processID = processID
        self.url = url
        self.swarmPort = swarmPort
        self.version = version
    }

    private enum CodingKeys: String, CodingKey {
        case processID = "pid"
        case url
        case swarmPort = "swarm_port"
        case version
    }

    /// The record of the daemon that runs in `directory` now; nil when none does.
    package static func running(in directory: DataDirectory) -> RunRecord? {
        guard directory.isInUse, let contents = try? SmallFile.read(directory.runRecord) else { return nil }
        return try? JSONDecoder().decode(RunRecord.self, from: Data(contents))
    }

    /// Writes the record.
    package func write(in directory: DataDirectory) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        try SmallFile.write(Array(encoder.encode(self)) + [UInt8(ascii: "\n")], to: directory.runRecord)
    }

    /// Removes the record of a daemon that ends.
    package static func remove(in directory: DataDirectory) {
        try? FileManager.default.removeItem(atPath: directory.runRecord)
    }
}
