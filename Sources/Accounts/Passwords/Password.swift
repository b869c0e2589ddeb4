internal import Foundation

#if canImport(FoundationEssentials)
    internal import FoundationEssentials
#endif

/// A password that a user may have: 8 to 1024 bytes of any characters but control characters, compared in Unicode's normal form C
/// (NIST SP 800-63B, 3.1.1.2), so that it does not matter how a keyboard makes its letters.
///
/// Does not show itself when printed.
package struct Password: Sendable, CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    package static let minimumCharacters = 8
    package static let maximumBytes = 1024

    let bytes: [UInt8]

    /// - Parameter field: what the caller calls it, for the error.
    package init(_ text: String, field: String = "password") throws(AccountError) {
        guard text.utf8.count <= Self.maximumBytes else {
            throw .badValue(field, "takes at most \(Self.maximumBytes) bytes")
        }
        guard text.unicodeScalars.allSatisfy({ $0.properties.generalCategory != .control }) else {
            throw .badValue(field, "takes no control characters")
        }
        guard text.count >= Self.minimumCharacters else {
            throw .badValue(field, "takes at least \(Self.minimumCharacters) characters")
        }
        bytes = Self.normalised(text)
    }

    /// A password made by the node: 20 characters with 100 random bits, without letters that look alike.
    static func random() -> (password: Password, text: String) {
        let alphabet = Array("abcdefghjkmnpqrstuvwxyz23456789A")
        var generator = SystemRandomNumberGenerator()
        let characters = (0..<20).map { _ in alphabet[Int(generator.next(upperBound: 32 as UInt64))] }
        let text = stride(from: 0, to: 20, by: 5).map { String(characters[$0..<$0 + 5]) }.joined(separator: "-")
        return (Password(bytes: Array(text.utf8)), text)
    }

    /// What somebody claims to be a password; nil for what none can be.
    static func candidate(_ text: String) -> Password? {
        guard !text.isEmpty, text.utf8.count <= maximumBytes else { return nil }
        return Password(bytes: normalised(text))
    }

    /// What is hashed in place of what can be no password.
    static let placeholder = Password(bytes: [0])

    private init(bytes: [UInt8]) { self.bytes = bytes }

    private static func normalised(_ text: String) -> [UInt8] {
        text.utf8.allSatisfy { $0 < 0x80 } ? Array(text.utf8) : Array(text.precomposedStringWithCanonicalMapping.utf8)
    }

    /// Whether the password is this one, as `candidate(_:)` reads it.
    func isSame(as text: String) -> Bool { Self.candidate(text)?.bytes == bytes }

    /// Whether the password is this text, in whatever case.
    func isCalled(_ text: String) -> Bool {
        String(decoding: bytes, as: UTF8.self).lowercased() == text.lowercased()
    }

    package var description: String { "[password]" }
    package var debugDescription: String { description }
    package var customMirror: Mirror { Mirror(self, children: []) }
}
