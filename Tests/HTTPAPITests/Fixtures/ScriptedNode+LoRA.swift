import Accounts
import FoundationEssentials
import HTTPAPI
import Logging
import Store

@testable import Adapters

/// A library without files, which takes none in.
struct NoLoRAs: LoRAService {
    func room(for bytes: UInt64) async throws -> LoRARoom { throw AdapterError(.diskFull, "this node has no disk") }
    func beginUpload(in room: LoRARoom) throws -> LoRAUpload { throw AdapterError(.diskFull, "this node has no disk") }

    func finish(
        _ upload: LoRAUpload, as name: LoRAFileName, type: LoRAType, versioned: Bool, note: ChangeNote<StoredLoRA>
    ) async throws -> StoredLoRA { throw AdapterError(.nameTaken, "there is a file \(name) already") }

    func files(of type: LoRAType?, after: LoRAPath?, limit: Int) async throws -> LoRAPage<LoRAFile> {
        LoRAPage(elements: [], next: nil)
    }

    func deletedFiles(of type: LoRAType?, after: LoRAPath?, limit: Int) async throws -> LoRAPage<DeletedLoRA> {
        LoRAPage(elements: [], next: nil)
    }

    func delete(_ path: LoRAPath, note: ChangeNote<DeletedLoRA>) async throws -> DeletedLoRA { throw missing(path) }
    func restore(_ path: LoRAPath, versioned: Bool, note: ChangeNote<LoRAFile>) async throws -> LoRAFile {
        throw missing(path)
    }
    func purge(_ path: LoRAPath, note: ChangeNote<LoRAPath>) async throws {}
    func purgeAll(note: ChangeNote<LoRAPath>) async throws -> Int { 0 }

    private func missing(_ path: LoRAPath) -> AdapterError { AdapterError(.notFound, "there is no file \(path)") }
}

extension ScriptedNode {
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
        node.services.loras = library
        node.services.loraLimits = limits
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
