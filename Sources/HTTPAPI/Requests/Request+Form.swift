import Bytes
import HTTPTypes
import Hummingbird
import JSON
import Link
import NIOCore

extension Request {
    /// The bytes that a small form may have.
    private static let formLimitBytes = 64 << 10

    /// The text fields of a small form, however the client writes it: `multipart/form-data` as “curl -F” sends it,
    /// `application/x-www-form-urlencoded` as pages do, or a JSON object.
    ///
    /// - Throws: `APIError`: 400 for what cannot be read or names a field twice, 413 for what is too large, 415 for another type.
    func formFields() async throws -> RequestFields {
        guard let header = headers[.contentType] else { return try RequestFields(try await formJSON()) }
        switch (try? HeaderParameters(header))?.value {
        case "application/json": return try RequestFields(try await formJSON())
        case "multipart/form-data": return try RequestFields(.object(try await multipartFields()))
        case "application/x-www-form-urlencoded":
            return try RequestFields(.object(try Self.urlencodedFields(try await formBody())))
        default:
            throw APIError(
                status: .unsupportedMediaType, type: "invalid_request_error",
                message: "the body must be multipart/form-data, application/x-www-form-urlencoded or application/json")
        }
    }

    private func formJSON() async throws -> JSONValue { try await json(limitBytes: Self.formLimitBytes) }

    private func formBody() async throws -> ByteBuffer { try await wholeBody(limitBytes: Self.formLimitBytes) }

    private func multipartFields() async throws -> [(String, JSONValue)] {
        var fields: [(String, JSONValue)] = []
        do {
            var parser = MultipartParser(boundary: try MultipartBoundary(contentType: headers[.contentType]))
            var buffer = try await formBody()
            var part: (name: String, bytes: [UInt8])?
            while let event = try parser.next(in: &buffer) {
                switch event {
                case .part(let header):
                    guard !header.isFile else {
                        throw APIError.invalidRequest(
                            "\(header.name.prefix(64)) must be text and no file",
                            parameter: String(header.name.prefix(64)))
                    }
                    part = (header.name, [])
                case .content(let piece): part?.bytes += Array(buffer: piece)
                case .partEnd:
                    guard let ended = part else { continue }
                    part = nil
                    try Self.add(ended.name, ended.bytes, to: &fields)
                }
            }
            try parser.finish()
        } catch let error as MultipartError {
            throw APIError.invalidRequest("the form cannot be read: \(error.message)")
        }
        return fields
    }

    private static func urlencodedFields(_ body: ByteBuffer) throws(APIError) -> [(String, JSONValue)] {
        var fields: [(String, JSONValue)] = []
        for pair in body.readableBytesView.split(separator: UInt8(ascii: "&")) {
            let parts = pair.split(separator: UInt8(ascii: "="), maxSplits: 1, omittingEmptySubsequences: false)
            guard let name = decoded(parts[0]), let value = decoded(parts.count == 2 ? parts[1] : []),
                let text = String(validating: name, as: UTF8.self)
            else { throw .invalidRequest("the form cannot be read: a “%” is not followed by two hexadecimal digits") }
            try add(text, value, to: &fields)
        }
        return fields
    }

    private static func add(
        _ name: String, _ bytes: [UInt8], to fields: inout [(String, JSONValue)]
    ) throws(APIError) {
        let shown = String(name.prefix(64))
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw .invalidRequest("\(shown) is no UTF-8", parameter: shown)
        }
        guard !fields.contains(where: { $0.0 == name }) else {
            throw .invalidRequest("\(shown) is there twice", parameter: shown)
        }
        fields.append((name, .string(text)))
    }

    /// Undoes percent encoding, and `+` for a blank; nil where that cannot be done.
    private static func decoded(_ bytes: some Sequence<UInt8>) -> [UInt8]? {
        var result: [UInt8] = []
        var iterator = bytes.makeIterator()
        while let byte = iterator.next() {
            switch byte {
            case UInt8(ascii: "+"): result.append(0x20)
            case UInt8(ascii: "%"):
                guard let high = iterator.next(), let low = iterator.next(),
                    let value = [UInt8](hexadecimal: String(decoding: [high, low], as: UTF8.self))
                else { return nil }
                result += value
            default: result.append(byte)
            }
        }
        return result
    }
}
