/// Why a pickle, or a file of pickles, is not taken in.
///
/// Whatever is not understood completely is refused, so most codes say only at which step it was.
package struct PickleError: Error, Sendable {
    /// The kind of fault. Open: later versions may add kinds.
    package struct Code: Hashable, Sendable, CustomStringConvertible {
        package let description: String
        private init(_ description: String) { self.description = description }

        /// The bytes end inside an opcode, a container or a tensor.
        package static let truncated = Code("truncated")
        /// What a pickle, zip or checkpoint may not look like.
        package static let malformed = Code("malformed")
        /// More opcodes, memo entries, nesting or text than the limits allow.
        package static let tooLarge = Code("tooLarge")
        /// A function or class that is not on the list, or one that is named in a roundabout way.
        package static let forbiddenGlobal = Code("forbiddenGlobal")
        /// An opcode that builds or imports in a way no checkpoint needs.
        package static let forbiddenOpcode = Code("forbiddenOpcode")
        /// A function of the list with arguments that it is never given.
        package static let forbiddenCall = Code("forbiddenCall")
        /// A zip archive that two readers might read differently.
        package static let ambiguousArchive = Code("ambiguousArchive")
        /// A file that could be read as one of another kind too.
        package static let secondFormat = Code("secondFormat")
        /// A file of another kind than those that are read.
        package static let unsupported = Code("unsupported")
        /// The sizes that the pickle states are not those of the data.
        package static let badStorage = Code("badStorage")
    }

    package let code: Code
    /// What happened, to what.
    package let message: String
    /// Position in the file, in bytes, where the fault was met.
    package let byteOffset: UInt64
    /// The member of the archive that is at fault.
    package var member: String?

    package init(_ code: Code, _ message: String, at byteOffset: UInt64, member: String? = nil) {
        self.code = code
        self.message = message
        self.byteOffset = byteOffset
        self.member = member
    }

    /// The same fault, in `member` of an archive.
    func inMember(_ member: String) -> PickleError {
        var error = self
        error.member = error.member ?? member
        return error
    }
}

extension PickleError: CustomStringConvertible {
    package var description: String { "\(member.map { "\($0): " } ?? "")\(message) (at byte \(byteOffset))" }
}
