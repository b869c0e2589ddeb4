package import Adapters
package import ArgumentParser
import NodeAPI

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// `shoal lora list`: the LoRA files of a node, or those in its bin.
package struct LoRAListCommand: AsyncParsableCommand {
    package static let configuration = CommandConfiguration(
        commandName: "list", abstract: "List LoRA files, or those in the bin.")

    @OptionGroup package var list: ListOptions

    @Flag(name: .long, help: "List what is in the bin.")
    package var bin = false

    @Option(name: .long, help: ArgumentHelp("Only files of this type.", valueName: "TYPE"))
    package var type: LoRAType?

    @OptionGroup package var connection: ConnectionOptions

    package init() {}

    package func run() async throws {
        try await NodeClient.with(try connection.target()) { client in
            if bin {
                let found: LoRAListBody<DeletedLoRABody> = try await client.loras(
                    at: "/api/v1/admin/lora/bin", type: type?.rawValue)
                list.print(found.files, body: Array(try BodyCoding.encode(found).utf8), empty: "the bin is empty")
            } else {
                let found: LoRAListBody<LoRABody> = try await client.loras(
                    at: "/api/v1/admin/lora", type: type?.rawValue)
                list.print(
                    found.files, body: Array(try BodyCoding.encode(found).utf8),
                    empty: "no LoRA files; “shoal lora upload” sends one")
            }
        }
    }
}

extension LoRABody: ListRow {
    static let headers = ["FILE", "SIZE", "UPLOADED", "SHA-256"]
    static let rightAligned: Set<Int> = [1]

    var listName: String { partialPath }

    var cells: [String] {
        [partialPath, Figures.bytes(fileSize), uploadTimestamp, sha256.map { String($0.prefix(12)) } ?? "–"]
    }
}

extension DeletedLoRABody: ListRow {
    static let headers = ["IN THE BIN", "SIZE", "DELETED", "WAS"]
    static let rightAligned: Set<Int> = [1]

    var listName: String { partialPath }

    var cells: [String] { [partialPath, Figures.bytes(fileSize), deletedAt ?? "–", originalPath] }
}
