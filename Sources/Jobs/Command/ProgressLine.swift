#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// A line of standard output that tells how training goes: a JSON object with `progress`, a number from 0 to 1, or `message`, a
/// string, or both. What else it has is for others.
struct ProgressLine: Hashable {
    static let maximumMessageLength = 500

    let progress: Double?
    let message: String?

    private struct Fields: Decodable {
        let progress: Double?
        let message: String?
    }

    /// Nil for any other line.
    init?(_ line: String) {
        guard line.utf8.first(where: { $0 != 0x20 && $0 != 0x09 }) == UInt8(ascii: "{"),
            let fields = try? JSONDecoder().decode(Fields.self, from: Data(line.utf8)),
            fields.progress != nil || fields.message != nil, fields.progress.map({ (0...1).contains($0) }) ?? true
        else { return nil }
        progress = fields.progress
        message = fields.message.map(Self.shown)
    }

    /// Text that a trainer wrote, in short and on one line.
    static func shown(_ text: String) -> String {
        let scalars = text.unicodeScalars.prefix(4 * maximumMessageLength).map { scalar -> Character in
            scalar.properties.generalCategory == .control ? " " : Character(scalar)
        }
        return String(String(scalars).prefix(maximumMessageLength))
    }
}
