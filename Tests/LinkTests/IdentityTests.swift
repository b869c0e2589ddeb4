import Foundation
import Identifiers
import ShoalTestSupport
import Testing

@testable import Link

@Suite("Identity and key files")
struct IdentityTests {
    @Test("An identity is made once and read back")
    func identityIsStable() async throws {
        try await withTemporaryFolder { folder in
            let path = "\(folder)/identity.key"
            let first = try NodeIdentity.loadOrCreate(path: path)
            let second = try NodeIdentity.loadOrCreate(path: path)
            #expect(first.id == second.id)
            let mode = try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int
            #expect(mode == 0o600)
            #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == ["identity.key"])
            let signature = try first.sign([1, 2, 3])
            #expect(NodeIdentity.verify(signature, of: [1, 2, 3], by: second.id))
            #expect(!NodeIdentity.verify(signature, of: [1, 2, 4], by: second.id))
            #expect(!NodeIdentity.verify(signature, of: [1, 2, 3], by: NodeIdentity().id))
            #expect(!NodeIdentity.verify([], of: [1, 2, 3], by: second.id))
        }
    }

    @Test("A key file that others may read is refused, with the cure", arguments: [0o644, 0o640, 0o604, 0o777])
    func widePermissionsAreRefused(mode: Int) async throws {
        try await withTemporaryFolder { folder in
            let path = "\(folder)/swarm.key"
            _ = try SwarmKey.loadOrCreate(path: path)
            try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: path)
            let error = #expect(throws: LinkError.self) { try SwarmKey.loadOrCreate(path: path) }
            #expect(error?.code == .unusableKeyFile)
            #expect(error?.message.contains("chmod 600") == true)
        }
    }

    @Test("A key file of the wrong size is refused and left alone", arguments: [0, 1, 31, 33, 4096])
    func wrongSizeIsRefused(size: Int) async throws {
        try await withTemporaryFolder { folder in
            let path = "\(folder)/swarm.key"
            let content = Data(repeating: 7, count: size)
            _ = FileManager.default.createFile(atPath: path, contents: content, attributes: [.posixPermissions: 0o600])
            let error = #expect(throws: LinkError.self) { try SwarmKey.loadOrCreate(path: path) }
            #expect(error?.code == .unusableKeyFile)
            #expect(FileManager.default.contents(atPath: path) == content)
        }
    }

    @Test("A key file cannot be a link to another file")
    func linksAreRefused() async throws {
        try await withTemporaryFolder { folder in
            try SwarmKey().save(path: "\(folder)/elsewhere")
            try FileManager.default.createSymbolicLink(
                atPath: "\(folder)/swarm.key", withDestinationPath: "\(folder)/elsewhere")
            #expect(throws: LinkError.self) { try SwarmKey.loadOrCreate(path: "\(folder)/swarm.key") }
        }
    }

    @Test("Many processes that make a key at once end with one key")
    func creationIsAtomic() async throws {
        try await withTemporaryFolder { folder in
            let keys = try await withThrowingTaskGroup(of: [UInt8].self) { group in
                for _ in 0..<16 { group.addTask { try SwarmKey.loadOrCreate(path: "\(folder)/swarm.key").bytes } }
                return try await group.reduce(into: Set<[UInt8]>()) { $0.insert($1) }
            }
            #expect(keys.count == 1)
            #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == ["swarm.key"])
        }
    }

    @Test("Saving a swarm key replaces the old one")
    func savingReplaces() async throws {
        try await withTemporaryFolder { folder in
            let path = "\(folder)/swarm.key"
            let old = try SwarmKey.loadOrCreate(path: path)
            let new = SwarmKey()
            try new.save(path: path)
            #expect(try SwarmKey.load(path: path) == new)
            #expect(old != new)
            #expect(old.fingerprint != new.fingerprint)
        }
    }

    @Test("A folder that does not exist is a typed error")
    func missingFolder() {
        #expect(throws: LinkError.self) { try NodeIdentity.loadOrCreate(path: "/nonexistent/folder/identity.key") }
    }

    @Test(
        "Node ids are read strictly",
        arguments: ["", "00", String(repeating: "g", count: 64), String(repeating: "a", count: 63)])
    func badNodeIDs(text: String) {
        #expect(NodeID(hex: text) == nil)
    }

    @Test("Node ids survive their text form")
    func nodeIDText() throws {
        let id = NodeIdentity().id
        #expect(NodeID(hex: id.hex) == id)
        #expect(NodeID(hex: id.hex.uppercased()) == id)
        #expect(id.hex.count == 64)
        #expect(id.hex.hasPrefix(id.short))
        #expect(id.short.count == 16)
        #expect(try JSONDecoder().decode([NodeID].self, from: JSONEncoder().encode([id])) == [id])
    }
}
