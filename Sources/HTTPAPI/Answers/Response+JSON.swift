import FoundationEssentials
import HTTPTypes
import Hummingbird
import JSON
import NIOCore

extension Response {
    /// An answer with a JSON body.
    static func json(_ value: JSONValue, status: HTTPResponse.Status = .ok) -> Response {
        .json(ByteBuffer(string: value.serialized()), status: status)
    }

    /// An answer whose JSON body is written already.
    static func json(_ body: ByteBuffer, status: HTTPResponse.Status = .ok) -> Response {
        Response(status: status, headers: [.contentType: "application/json"], body: .init(byteBuffer: body))
    }

    /// An answer whose JSON body is the encoded value.
    static func json(encoding value: some Encodable) throws -> Response {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return .json(ByteBuffer(bytes: try encoder.encode(value)))
    }
}
