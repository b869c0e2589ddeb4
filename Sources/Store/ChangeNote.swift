package import GRDB

/// What is written down about a change in the transaction that makes it, such as an entry of the audit log: both are there
/// afterwards, or neither. Throwing is a veto.
package struct ChangeNote<Change: Sendable>: Sendable {
    package let write: @Sendable (_ change: Change, _ database: Database) throws -> Void

    package init(_ write: @escaping @Sendable (_ change: Change, _ database: Database) throws -> Void) {
        self.write = write
    }

    /// Nothing.
    package static var none: ChangeNote { ChangeNote { _, _ in } }
}
