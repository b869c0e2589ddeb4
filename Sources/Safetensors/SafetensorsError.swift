/// What is wrong with a safetensors file.
///
/// The message names the tensor or key where there is one, and the byte of the file.
package struct SafetensorsError: Error, Sendable {
    /// The kind of fault. Open: later versions may add kinds.
    package struct Code: Hashable, Sendable, CustomStringConvertible {
        package let description: String
        private init(_ description: String) { self.description = description }

        /// The file ends before its header does.
        package static let truncated = Code("truncated")
        /// The header is longer than the format allows, or there is more in it than the limits allow.
        package static let tooLarge = Code("tooLarge")
        /// The header is no JSON text, or not the JSON that the format wants.
        package static let malformed = Code("malformed")
        /// A key comes twice in one object.
        package static let duplicate = Code("duplicate")
        /// An element type that the format does not have.
        package static let unknownType = Code("unknownType")
        /// A shape whose element count does not fit 64 bits, or does not fill whole bytes.
        package static let badShape = Code("badShape")
        /// A tensor's bytes are not those that its type and shape need, lie outside the file, overlap another's, or leave a hole.
        package static let badLayout = Code("badLayout")
    }

    package let code: Code
    /// What happened, to what.
    package let message: String
    /// The tensor or metadata key that is at fault.
    package let field: String?
    /// Position in the file, in bytes, where the fault was met.
    package let byteOffset: UInt64

    package init(_ code: Code, _ message: String, field: String? = nil, at byteOffset: UInt64) {
        self.code = code
        self.message = message
        self.field = field
        self.byteOffset = byteOffset
    }
}

extension SafetensorsError: CustomStringConvertible {
    package var description: String { "\(message) (at byte \(byteOffset))" }
}
