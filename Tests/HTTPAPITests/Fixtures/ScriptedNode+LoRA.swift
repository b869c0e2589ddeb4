import Accounts
import FoundationEssentials
import HTTPAPI
import Logging
import Store

@testable import Adapters

extension ScriptedNode {
    /// A library without files, which takes none in.
    static let loras = LoRAOperations(
        limits: LoRAUploadLimits(), room: { _ in throw AdapterError(.diskFull, "this node has no disk") },
        begin: { _ in throw AdapterError(.diskFull, "this node has no disk") },
        finish: { _, name, _, _, _ in throw AdapterError(.nameTaken, "there is a file \(name) already") },
        files: { _ in LoRAPage(elements: [], next: nil) }, deletedFiles: { _ in LoRAPage(elements: [], next: nil) },
        delete: { path, _ in throw AdapterError(.notFound, "there is no file \(path)") },
        restore: { path, _, _ in throw AdapterError(.notFound, "there is no file \(path)") }, purge: { _, _ in 0 })

    /// Serves with a library in a data folder of its own while `body` runs.
    static func serveLoRAs(
        limits: LoRAUploadLimits = LoRAUploadLimits(fileBytes: 1 << 20),
        _ body: @Sendable (ContractClient, LoRAFolders) async throws -> Void
    ) async throws {
        try await serveLoRAsToUsers(limits: limits) { client, folders, _ in try await body(client, folders) }
    }

    /// The same, with the accounts of those whom it serves.
    static func serveLoRAsToUsers(
        limits: LoRAUploadLimits = LoRAUploadLimits(fileBytes: 1 << 20), space: LoRASpaceLimits = LoRASpaceLimits(),
        _ body: @Sendable (ContractClient, LoRAFolders, AccountServices) async throws -> Void
    ) async throws {
        let folders = LoRAFolders()
        defer { try? FileManager.default.removeItem(atPath: folders.root) }
        let store = try Store.inMemory()
        let library = try LoRALibrary(
            dataDirectory: folders.root, store: store, maximumFileBytes: UInt64(limits.fileBytes), space: space)
        var node = ScriptedNode()
        let accounts = accounts(store: store)
        node.services.accounts = accounts
        node.services.loras = LoRAOperations(library: library, limits: limits)
        try await node.serve { try await body($0, folders, accounts) }
    }
}

extension AccountServices {
    /// A new user with a new API token.
    func addUser(_ name: String, role: Role = .user) async throws -> (user: UserID, token: APITokenID, text: String) {
        let user = try await users.create(
            NewUser(
                username: Username(name), email: EmailAddress("\(name)@example.com"), role: role,
                password: Password("correct horse")), by: .node)
        let (token, text) = try await apiTokens.create(name: "t", for: user.id, by: .node)
        return (user.id, token.id, text)
    }
}

/// A data folder for LoRA files.
struct LoRAFolders: Sendable {
    let root = FileManager.default.temporaryDirectory.appending(path: "loras-\(UUID().uuidString)").path

    /// The names in a folder, in order.
    func names(_ folder: String) throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: "\(root)/\(folder)").sorted()
    }

    /// What is coming in.
    func incoming() throws -> [String] { try names("models/loras/.incoming") }

    /// A safetensors file with one tensor of `count` bytes, each of them `byte`.
    static func safetensors(_ byte: UInt8 = 1, count: Int = 16) -> [UInt8] {
        let header = Array(#"{"w":{"dtype":"U8","shape":[\#(count)],"data_offsets":[0,\#(count)]}}"#.utf8)
        return (0..<8).map { UInt8(truncatingIfNeeded: header.count >> (8 * $0)) } + header
            + [UInt8](repeating: byte, count: count)
    }
}
