package import GRDB

/// One step of a domain's schema. Never change one that was released: add another.
package struct StoreMigration: Sendable {
    /// Unique over all domains: `<domain>-<number> <what>`.
    package let identifier: String
    let body: @Sendable (Database) throws -> Void

    package init(_ identifier: String, body: @escaping @Sendable (Database) throws -> Void) {
        self.identifier = identifier
        self.body = body
    }
}
