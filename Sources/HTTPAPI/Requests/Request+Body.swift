import HTTPTypes
import Hummingbird
import NIOCore
import NIOHTTPTypes

extension Request {
    /// All of the body.
    ///
    /// - Throws: 413 past the limit; 400 where the connection or the body's framing breaks off; `CancellationError`.
    func wholeBody(limitBytes: Int) async throws -> ByteBuffer {
        do {
            return try await body.collect(upTo: limitBytes)
        } catch is NIOTooManyBytesError {
            throw APIError.bodyTooLarge(limitBytes: limitBytes)
        } catch let error as CancellationError {
            throw error
        } catch {
            throw APIError.invalidRequest("the body broke off or is not framed as HTTP asks for")
        }
    }

    /// Lets a client send its body that asks first whether it should (RFC 9110 section 10.1.1).
    func goOn(_ context: APIRequestContext) async throws {
        guard headers[.expect]?.lowercased() == "100-continue" else { return }
        try await context.channel.writeAndFlush(HTTPResponsePart.head(HTTPResponse(status: .continue))).get()
    }
}
