import Bytes

/// What is wrong with a GGUF file, or with what was asked of one.
///
/// The message names the file where one is known, the field and the byte offset, and says what to do.
package struct GGUFError: Error, Sendable {
    /// The kind of fault. Open: later versions may add kinds.
    package struct Code: Hashable, Sendable, CustomStringConvertible {
        package let description: String
        private init(_ description: String) { self.description = description }

        /// The file cannot be opened or read.
        package static let unreadable = Code("unreadable")
        /// The file cannot be written.
        package static let unwritable = Code("unwritable")
        /// The first four bytes are not `GGUF`.
        package static let notGGUF = Code("notGGUF")
        /// A version other than 2 or 3, or a big-endian file.
        package static let unsupportedVersion = Code("unsupportedVersion")
        /// The file ends inside a field.
        package static let truncated = Code("truncated")
        /// A count or a length reaches past the end of the file.
        package static let pastEnd = Code("pastEnd")
        /// A text, or the whole header, is larger than any model needs.
        package static let tooLarge = Code("tooLarge")
        /// A value, type number or text that the format does not allow.
        package static let malformed = Code("malformed")
        /// Two metadata keys or two tensors of one name.
        package static let duplicate = Code("duplicate")
        /// Arrays nested more than `GGUFHeader.maximumArrayDepth` deep.
        package static let tooDeep = Code("tooDeep")
        /// A tensor type that this version does not know.
        package static let unsupportedTensorType = Code("unsupportedTensorType")
        /// A tensor's dimensions are zero, too many, too large, or no multiple of its type's block.
        package static let badDimensions = Code("badDimensions")
        /// A tensor's data is unaligned or overlaps another's.
        package static let badLayout = Code("badLayout")
        /// A key that is needed is missing or has another type.
        package static let missingKey = Code("missingKey")
        /// A GGUF file of something else than a language model that is written token by token.
        package static let otherContent = Code("otherContent")
        /// The parts of a model do not belong together, or one is missing.
        package static let badParts = Code("badParts")
        /// The model may not be cut as asked.
        package static let badWindow = Code("badWindow")
    }

    package let code: Code
    /// What happened, to what, and what to do.
    package let message: String
    /// The metadata key, tensor or header field that is at fault.
    package let field: String?
    /// Position in the file, in bytes, where the fault was met.
    package let byteOffset: UInt64?
    /// Path of the file, where it is known.
    package var path: String?
    package let cause: (any Error)?

    package init(
        _ code: Code, _ message: String, field: String? = nil, at byteOffset: UInt64? = nil, path: String? = nil,
        cause: (any Error)? = nil
    ) {
        self.code = code
        self.message = message
        self.field = field
        self.byteOffset = byteOffset
        self.path = path
        self.cause = cause
    }

    /// Bytes of a file that cannot be had.
    init(_ error: ByteError) {
        self.init(
            error.code == .pastEnd ? .pastEnd : .unreadable, error.message, at: error.byteOffset, path: error.path)
    }

    /// What `read` reads.
    ///
    /// - Throws: `GGUFError` where bytes cannot be had; else what `read` throws.
    static func naming<Value>(_ read: () throws -> Value) throws -> Value {
        do {
            return try read()
        } catch let error as ByteError {
            throw GGUFError(error)
        }
    }

    /// The same fault, of the file at `path`.
    func inFile(_ path: String) -> GGUFError {
        var error = self
        error.path = error.path ?? path
        return error
    }
}

extension GGUFError: CustomStringConvertible {
    package var description: String {
        var text = message
        if let byteOffset { text += " (at byte \(byteOffset))" }
        if let path { text = "\(path): \(text)" }
        return text
    }
}
