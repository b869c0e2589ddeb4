/// What separates the parts of a form: 1 to 70 characters that the client chose (RFC 2046 section 5.1.1).
struct MultipartBoundary: Hashable, Sendable {
    static let maximumLength = 70

    let bytes: [UInt8]

    /// - Throws: `MultipartError` of code `badBoundary`.
    init(_ text: String) throws(MultipartError) {
        bytes = Array(text.utf8)
        guard (1...Self.maximumLength).contains(bytes.count), bytes.allSatisfy(Self.isAllowed),
            bytes.last != UInt8(ascii: " ")
        else {
            throw MultipartError(
                .badBoundary, "the boundary must have 1 to \(Self.maximumLength) letters, digits or “'()+_,-./:=? ”")
        }
    }

    /// - Parameter contentType: the request's header.
    /// - Throws: `MultipartError` of code `otherType` or `badBoundary`.
    init(contentType: String?) throws(MultipartError) {
        let header: HeaderParameters?
        do {
            header = try contentType.map { text throws(MultipartError) in try HeaderParameters(text) }
        } catch {
            throw MultipartError(.badBoundary, "the content type is malformed: \(error.message)")
        }
        guard let header, header.value == "multipart/form-data" else {
            throw MultipartError(.otherType, "the body must be multipart/form-data, as browsers and “curl -F” send it")
        }
        guard let boundary = header["boundary"] else {
            throw MultipartError(.badBoundary, "the content type has no boundary")
        }
        try self.init(boundary)
    }

    private static func isAllowed(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"):
            true
        default: "'()+_,-./:=? ".utf8.contains(byte)
        }
    }
}
