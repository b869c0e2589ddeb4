/// The secret that opens private and gated repositories. It shows in no description, dump or log.
package struct HubToken: Sendable, Equatable, CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    private let secret: String

    /// - Throws: `HubError` of code `invalidName` for text that cannot stand in a header; the message does not repeat it.
    package init(_ text: String) throws {
        let isToken = text.utf8.allSatisfy { (0x21...0x7E).contains($0) }
        guard isToken, (1...512).contains(text.utf8.count) else {
            throw HubError(
                .invalidName,
                "the Hugging Face token has spaces or characters that no token has; copy it anew from the hub's settings"
            )
        }
        secret = text
    }

    /// The value of the `Authorization` header.
    var authorization: String { "Bearer \(secret)" }

    package var description: String { "(secret)" }
    package var debugDescription: String { "(secret)" }
    package var customMirror: Mirror { Mirror(self, children: []) }
}
