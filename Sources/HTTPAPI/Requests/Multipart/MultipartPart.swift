/// What the headers of a part say: the field's name, and the file's.
struct MultipartPart: Hashable, Sendable {
    /// Most header lines that a part may have.
    private static let maximumLines = 32

    /// The field.
    let name: String
    /// What the client calls the file; nil where the part is no file. Nothing is proven about it.
    let fileName: String?

    var isFile: Bool { fileName != nil }

    init(name: String, fileName: String? = nil) {
        self.name = name
        self.fileName = fileName
    }

    /// Reads header lines (RFC 7578 section 4.2).
    ///
    /// A file's name in `filename*` (RFC 8187) goes before the one in `filename`, as in responses (RFC 6266 section 4.3).
    /// - Parameter block: the lines, each with its CRLF.
    /// - Throws: `MultipartError` of code `badHeader` or `unsupportedEncoding`.
    init(headers block: some Sequence<UInt8>) throws(MultipartError) {
        var disposition: HeaderParameters?
        for (name, value) in try Self.fields(block) {
            switch name {
            case "content-disposition":
                guard disposition == nil else {
                    throw MultipartError(.badHeader, "a part has two Content-Disposition headers")
                }
                disposition = try HeaderParameters(value)
            case "content-transfer-encoding":
                guard ["binary", "8bit", "7bit"].contains(value.lowercased()) else {
                    throw MultipartError(
                        .unsupportedEncoding, "a part has the transfer encoding “\(value.prefix(40))”; send it as it is"
                    )
                }
            default: break
            }
        }
        guard let disposition, disposition.value == "form-data" else {
            throw MultipartError(.badHeader, "a part has no Content-Disposition: form-data")
        }
        guard let name = disposition["name"] else { throw MultipartError(.badHeader, "a part has no name") }
        self.name = name
        fileName = try disposition["filename*"].map(Self.extended) ?? disposition["filename"]
    }

    /// The header lines by name, in lower case. A line that begins with a blank goes on with the one before.
    private static func fields(_ block: some Sequence<UInt8>) throws(MultipartError) -> [(name: String, value: String)]
    {
        guard let text = String(validating: Array(block), as: UTF8.self) else {
            throw MultipartError(.badHeader, "the headers of a part are no UTF-8")
        }
        var fields: [(name: String, value: String)] = []
        var lines = text.utf8.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
        guard lines.popLast()?.isEmpty == true, lines.count <= maximumLines else {
            throw MultipartError(.badHeader, "a part has more than \(maximumLines) header lines")
        }
        for line in lines {
            guard line.last == UInt8(ascii: "\r"),
                line.dropLast().allSatisfy({ $0 >= 0x20 && $0 != 0x7F || $0 == 0x09 })
            else { throw MultipartError(.badHeader, "a header of a part has control characters") }
            let line = Substring(line.dropLast())
            if let first = line.utf8.first, first == 0x20 || first == 0x09 {
                guard let last = fields.indices.last else {
                    throw MultipartError(.badHeader, "the headers of a part begin with a blank")
                }
                fields[last].value += " " + line.trimmingBlanks
                continue
            }
            guard let colon = line.utf8.firstIndex(of: UInt8(ascii: ":")), colon > line.startIndex,
                line.utf8[..<colon].allSatisfy(isTokenByte)
            else { throw MultipartError(.badHeader, "a header of a part is malformed") }
            fields.append((line[..<colon].lowercased(), line[line.utf8.index(after: colon)...].trimmingBlanks))
        }
        return fields
    }

    /// Decodes `UTF-8''na%C3%AFve.bin` (RFC 8187 section 3.2).
    private static func extended(_ value: String) throws(MultipartError) -> String {
        let parts = value.split(separator: "'", maxSplits: 2, omittingEmptySubsequences: false)
        guard parts.count == 3, parts[0].lowercased() == "utf-8", let name = parts[2].percentDecoded else {
            throw MultipartError(.badHeader, "filename* must look like UTF-8''name.bin")
        }
        return name
    }
}

extension Substring {
    fileprivate var trimmingBlanks: String {
        String(drop { $0 == " " || $0 == "\t" }.reversed().drop { $0 == " " || $0 == "\t" }.reversed())
    }
}
