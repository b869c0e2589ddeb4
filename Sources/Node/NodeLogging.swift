package import Logging
import SystemPackage

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// Writes log records to standard error, one per line, for people or for machines, and to a file where one is given.
package struct StandardErrorLogHandler: LogHandler {
    package var metadata: Logger.Metadata = [:]
    package var metadataProvider: Logger.MetadataProvider?
    package var logLevel: Logger.Level
    private let label: String
    private let format: Settings.Log.Format
    private let file: LogFile?
    private var isShown = true

    package init(label: String, level: Logger.Level, format: Settings.Log.Format, file: LogFile? = nil) {
        self.label = label
        self.logLevel = level
        self.format = format
        self.file = file
    }

    /// Makes it the process's log while `body` runs. To be called once, by whoever has the lock on the directory.
    ///
    /// - Throws: what `body` throws, which stands in the file then: who started the process shows it, but may not be there any more.
    static func logging(
        _ settings: Settings.Log, in directory: DataDirectory, _ body: (Logger) async throws -> Void
    ) async throws {
        let file = LogFile(path: directory.log)
        let handler = StandardErrorLogHandler(
            label: "shoal", level: settings.level, format: settings.format, file: file)
        LoggingSystem.bootstrap { label in
            StandardErrorLogHandler(label: label, level: settings.level, format: settings.format, file: file)
        }
        do {
            try await body(Logger(label: "shoal"))
        } catch {
            var quiet = handler
            quiet.isShown = false
            Logger(label: "shoal") { [quiet] _ in quiet }.critical("ended", metadata: ["reason": "\(error)"])
            throw error
        }
    }

    package subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    package func log(event: LogEvent) {
        var fields = metadata
        if let provided = metadataProvider?.get() { fields.merge(provided) { $1 } }
        if let given = event.metadata { fields.merge(given) { $1 } }
        if let error = event.error { fields["error"] = "\(error)" }
        let line =
            switch format {
            case .text: Self.text(event, label: label, fields: fields)
            case .json: Self.json(event, label: label, fields: fields)
            }
        // One write per record, so that the records of several threads do not mix.
        let bytes = Array((line + "\n").utf8)
        if isShown { _ = try? FileDescriptor.standardError.writeAll(bytes) }
        file?.append(bytes)
    }

    private static var timestamp: String {
        Date().formatted(.iso8601.year().month().day().time(includingFractionalSeconds: true))
    }

    private static func text(_ event: LogEvent, label: String, fields: Logger.Metadata) -> String {
        let tail = fields.sorted { $0.key < $1.key }.map { " \($0.key)=\(oneLine("\($0.value)"))" }.joined()
        return "\(timestamp) \(event.level) \(label): \(oneLine("\(event.message)"))\(tail)"
    }

    private static func json(_ event: LogEvent, label: String, fields: Logger.Metadata) -> String {
        struct Record: Encodable {
            var time: String
            var level: String
            var label: String
            var message: String
            var fields: [String: String]?
        }
        let record = Record(
            time: timestamp, level: event.level.rawValue, label: label, message: "\(event.message)",
            fields: fields.isEmpty ? nil : fields.mapValues { "\($0)" })
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return (try? encoder.encode(record)).map { String(decoding: $0, as: UTF8.self) } ?? ""
    }

    /// What comes from outside must not be able to forge a second record.
    private static func oneLine(_ text: String) -> String {
        guard text.utf8.contains(where: { $0 < 0x20 }) else { return text }
        return text.unicodeScalars.map { scalar in
            switch scalar {
            case "\n": "\\n"
            case "\r": "\\r"
            case "\t": "\\t"
            default: scalar.value < 0x20 ? "\\u{\(String(scalar.value, radix: 16))}" : String(scalar)
            }
        }.joined()
    }
}
