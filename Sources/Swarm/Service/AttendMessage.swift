/// What one side of an `Attend` stream says.
enum AttendMessage: Sendable {
    /// What the sender says about itself: first of all, and after every change.
    case record(RecordEnvelope)
    /// What others have said about themselves, as far as the sender knows.
    case known([RecordEnvelope])
    case ping(nonce: UInt64)
    case echo(nonce: UInt64)
    /// The sender leaves; nothing more comes.
    case leaving
}
