import ChatTemplate
import Hummingbird
import Inference
import Link

/// `GET /v1/models` and `GET /v1/models/{id}`: the models that can be asked.
struct ModelListRoutes: Sendable {
    let services: NodeServices

    func add(to table: inout RouteTable) {
        table.get("/v1/models", .openRead, handler: list)
        table.get("/v1/models/{id}", .openRead, handler: show)
    }

    @Sendable private func list(_ request: Request, context: APIRequestContext) async throws -> Response {
        let models = await services.inference.availableModels().filter(\.isCovered)
        return .json(["object": "list", "data": .array(models.map(\.json))])
    }

    @Sendable private func show(_ request: Request, context: APIRequestContext) async throws -> Response {
        let id = try context.pathParameter("id")
        guard let model = await services.inference.availableModels().first(where: { $0.id == id }) else {
            throw APIError.notFound(
                "there is no model \(id.prefix(128))", parameter: "id", hint: "GET /v1/models lists the ids.")
        }
        return .json(model.json)
    }
}

extension AvailableModel {
    /// A `model` object, with what OpenAI's has not under `meta`.
    fileprivate var json: JSONValue {
        [
            "id": .string(id),
            "object": "model",
            "created": .integer(createdUnixSeconds),
            "owned_by": "shoal",
            "meta": [
                "name": .string(name),
                "architecture": .string(architecture),
                "n_ctx": .optional(contextLength),
                "layer_count": .integer(layerCount),
                "size": .integer(Int(clamping: totalBytes)),
                "covered": .bool(isCovered),
                "nodes": .array(holders.sorted().map { .string($0.short) }),
            ],
        ]
    }
}

extension APIRequestContext {
    /// A part of the path, without its percent escapes.
    ///
    /// - Throws: 400 where the escapes are no UTF-8 or the part is longer than 256 characters.
    func pathParameter(_ name: String) throws(APIError) -> String {
        guard let text = parameters.get(name)?.percentDecoded, (1...256).contains(text.unicodeScalars.count) else {
            throw .invalidRequest("\(name) in the path must have 1 to 256 characters", parameter: name)
        }
        return text
    }
}

extension String {
    /// The text without percent escapes (RFC 3986 section 2.1); nil where they are malformed or no UTF-8.
    fileprivate var percentDecoded: String? {
        guard utf8.contains(UInt8(ascii: "%")) else { return self }
        var bytes: [UInt8] = []
        var rest = utf8[...]
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "%") else {
                bytes.append(byte)
                continue
            }
            let digits = rest.prefix(2)
            guard digits.count == 2, digits.allSatisfy({ Character(UnicodeScalar($0)).isHexDigit }),
                let value = UInt8(String(decoding: digits, as: UTF8.self), radix: 16)
            else { return nil }
            bytes.append(value)
            rest = rest.dropFirst(2)
        }
        return String(validating: bytes, as: UTF8.self)
    }
}
