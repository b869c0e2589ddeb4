package import ArgumentParser
import NodeAPI

/// `shoal search`: finds models on Hugging Face.
package struct SearchCommand: AsyncParsableCommand {
    package static let configuration = CommandConfiguration(
        commandName: "search", abstract: "Find GGUF models on Hugging Face.",
        discussion: """
            FIT says whether the recommended variant fits into the node's memory, or at least shards of it do. \
            “shoal pull REPOSITORY” fetches the recommended variant.
            """)

    @OptionGroup package var list: ListOptions

    @Option(name: .long, help: "Most repositories to list, 1 to 100.")
    package var limit = 20

    @Option(
        name: .long,
        help: ArgumentHelp(
            "Only models made for one of: chat, code, vision, multilingual, reasoning.", valueName: "TASKS"))
    package var tasks: String?

    @OptionGroup package var connection: ConnectionOptions

    @Argument(help: "What to look for.")
    package var query: [String]

    package init() {}

    package mutating func validate() throws {
        guard (1...100).contains(limit) else { throw ValidationError("--limit must be from 1 to 100, not \(limit)") }
    }

    package func run() async throws {
        var path = "/api/admin/hf/search?query=\(query.joined(separator: " ").queryEncoded)&limit=\(limit)"
        if let tasks { path += "&tasks=\(tasks.queryEncoded)" }
        let body = try await NodeClient.with(try connection.target()) { [path] client in
            try await HubWait.noting("searching") { try await client.get(path) }
        }
        let hits: [HubHitBody] = try NodeClient.decode(body)
        list.print(hits, body: body, empty: "nothing found for “\(query.joined(separator: " "))”; try fewer words")
    }
}

extension HubHitBody: ListRow {
    /// Quantisations that a row names.
    private static let shownVariants = 4

    static let headers = ["REPOSITORY", "DOWNLOADS", "LIKES", "RECOMMENDED", "SIZE", "FIT", "ALL VARIANTS"]
    static let rightAligned: Set<Int> = [1, 2, 4]

    var listName: String { repoId }

    /// The variant that the node recommends.
    var recommended: HubVariantBody? { variants.named(recommendedVariant) }

    var cells: [String] {
        let sizes = variants.map(\.sizeBytes).filter { $0 > 0 }
        let range =
            sizes.isEmpty || sizes.count == 1
            ? "" : ", \(Figures.bytes(sizes.min() ?? 0)) to \(Figures.bytes(sizes.max() ?? 0))"
        let names = variants.map { $0.quant ?? $0.filename }
        let more = names.count > Self.shownVariants ? " +\(names.count - Self.shownVariants)" : ""
        return [
            repoId, Figures.count(downloads), Figures.count(likes), recommended.map { $0.quant ?? $0.filename } ?? "–",
            recommended.map { $0.sizeBytes > 0 ? Figures.bytes($0.sizeBytes) : "–" } ?? "–",
            fitsVram ? "whole" : fitsShard == true ? "in shards" : "no",
            names.isEmpty ? "none" : names.prefix(Self.shownVariants).joined(separator: " ") + more + range,
        ]
    }
}

extension [HubVariantBody] {
    /// The variant of that quantisation or file name.
    func named(_ name: String?) -> HubVariantBody? {
        guard let name = name?.lowercased() else { return nil }
        return first { $0.quant?.lowercased() == name } ?? first { $0.filename.lowercased() == name }
    }
}

extension String {
    /// The text as a value in a query (RFC 3986 section 3.4).
    var queryEncoded: String {
        utf8.reduce(into: "") { text, byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "."):
                text.unicodeScalars.append(UnicodeScalar(byte))
            default:
                let digits = String(byte, radix: 16, uppercase: true)
                text += digits.count == 1 ? "%0\(digits)" : "%\(digits)"
            }
        }
    }
}
