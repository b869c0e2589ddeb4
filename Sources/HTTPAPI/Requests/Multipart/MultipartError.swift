/// Why a body is no form that can be read.
struct MultipartError: Error, Hashable, CustomStringConvertible {
    enum Code: Hashable {
        /// The content type is not `multipart/form-data`.
        case otherType
        /// The content type has no boundary, or one that RFC 2046 does not allow.
        case badBoundary
        /// The body has no delimiter, or something else than a line's end behind one.
        case badDelimiter
        /// A part's headers cannot be understood.
        case badHeader
        /// A part is encoded in a way that forms are not.
        case unsupportedEncoding
        /// A part's headers are longer than the limit.
        case headersTooLong
        /// More parts than the limit.
        case tooManyParts
        /// A field that is collected in memory is longer than the limit.
        case fieldTooLong
        /// The body ends before its last delimiter.
        case truncated
    }

    let code: Code
    let message: String

    init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    var description: String { message }
}
