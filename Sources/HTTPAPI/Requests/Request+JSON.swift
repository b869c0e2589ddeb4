import Generation
import HTTPTypes
import Hummingbird
import Inference
import JSON
import NIOCore

extension Request {
    /// The body as JSON.
    ///
    /// - Throws: As ``wholeBody(limitBytes:)``; 415 for a compressed body; 400 where there is no JSON document.
    func json(limitBytes: Int) async throws -> JSONValue {
        if let encoding = headers[.contentEncoding], encoding.lowercased() != "identity" {
            throw APIError(
                status: .unsupportedMediaType, type: "invalid_request_error",
                message: "the body must not be compressed", parameter: "content-encoding")
        }
        if let length = headers[.contentLength].flatMap({ Int($0) }), length > limitBytes {
            throw APIError.bodyTooLarge(limitBytes: limitBytes)
        }
        let buffer = try await wholeBody(limitBytes: limitBytes)
        guard buffer.readableBytes > 0 else {
            throw APIError.invalidRequest("the body is empty; it must be a JSON object")
        }
        let limits = JSONLimits(sizeBytes: limitBytes, containers: Self.mostContainers)
        return try buffer.withUnsafeReadableBytes { bytes throws(JSONParsingError) in
            try JSONValue(parsing: bytes, limits: limits)
        }
    }

    /// Arrays and objects that a body may have: what 16,384 messages with tool calls need, which take some 30 MB.
    private static let mostContainers = 131_072
}

extension GenerationRequest {
    /// The request `count` times. With a seed each time has its own, so that the answers differ and can still be had again.
    func repeated(_ count: Int) -> [GenerationRequest] {
        (0..<count).map { index in
            var request = self
            request.sampling.seed = sampling.seed.map { $0 &+ UInt32(index) }
            return request
        }
    }
}
