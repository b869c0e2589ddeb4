/// A name that the audit log writes as it is, however long it is and whatever it looks like.
///
/// For types whose values were checked when they were made, are short, have no control characters, and are shown to whoever may
/// read the log anyway, such as the path of a file in a library.
package protocol AuditedName: Sendable, CustomStringConvertible {}
