import GRDB
import Link
import Store
import Testing

@testable import Cluster

@Suite("What is written down about a token")
struct TokenNoteTests {
    private struct Veto: Error {}

    /// Writes a line, and after it vetoes what it is told not to let pass.
    private static func note(vetoing isVetoed: Bool) -> ChangeNote<ClusterTokenRecord> {
        ChangeNote { token, database in
            try database.execute(sql: "INSERT INTO note (name) VALUES (?)", arguments: [token.name])
            if isVetoed { throw Veto() }
        }
    }

    @Test("is there where the change is, and nowhere else", arguments: [false, true])
    func atomic(isVetoed: Bool) async throws {
        let store = try Store.inMemory()
        try await store.write { try $0.execute(sql: "CREATE TABLE note (name TEXT)") }
        func notes() async throws -> [String] {
            try await store.read { try String.fetchAll($0, sql: "SELECT name FROM note") }
        }
        let me = NodeIdentity().id
        let tokens = try ClusterTokens(store: store, master: me)
        if isVetoed {
            await #expect(throws: Veto.self) {
                try await tokens.create(name: "workers", note: Self.note(vetoing: true))
            }
            #expect(tokens.list().isEmpty)
            #expect(try await notes().isEmpty)
            #expect(try ClusterTokens(store: store, master: me).list().isEmpty)
        } else {
            let made = try await tokens.create(name: "workers", note: Self.note(vetoing: false)).token
            #expect(try await notes() == ["workers"])
            let revoked = try tokens.suspend(made.id)
            await #expect(throws: Veto.self) { try await tokens.keepRevoked(revoked, note: Self.note(vetoing: true)) }
            #expect(try await notes() == ["workers"])
            #expect(try ClusterTokens(store: store, master: me).list().map(\.isActive) == [true])
            try await tokens.keepRevoked(revoked, note: Self.note(vetoing: false))
            #expect(try await notes() == ["workers", "workers"])
            #expect(try ClusterTokens(store: store, master: me).list().map(\.isActive) == [false])
        }
    }
}
