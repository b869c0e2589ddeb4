import FoundationEssentials
import HTTPTypes
import Hummingbird
import JSON
import NIOCore
import NodeAPI

extension Response {
    /// An answer with a JSON body.
    static func json(_ value: JSONValue, status: HTTPResponse.Status = .ok) -> Response {
        .json(ByteBuffer(string: value.serialized()), status: status)
    }

    /// An answer whose JSON body is written already.
    static func json(_ body: ByteBuffer, status: HTTPResponse.Status = .ok) -> Response {
        Response(status: status, headers: [.contentType: "application/json"], body: .init(byteBuffer: body))
    }

    /// An answer with one of the node's own bodies.
    static func json(encoding body: some Encodable, status: HTTPResponse.Status = .ok) throws -> Response {
        .json(ByteBuffer(string: try BodyCoding.encode(body)), status: status)
    }
}
