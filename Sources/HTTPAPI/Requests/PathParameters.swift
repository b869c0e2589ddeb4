import Hummingbird
import Identifiers
import ModelLibrary

extension APIRequestContext {
    /// The index that stands for a vision encoder, which is no shard.
    private static let visionEncoderIndex = 4_294_967_295

    /// A part of the path, without its percent escapes.
    ///
    /// - Throws: 400 where the escapes are no UTF-8 or the part is longer than 256 characters.
    func pathParameter(_ name: String) throws(APIError) -> String {
        guard let text = parameters.get(name)?.percentDecoded, (1...256).contains(text.unicodeScalars.count) else {
            throw .invalidRequest("\(name) in the path must have 1 to 256 characters", parameter: name, in: .path)
        }
        return text
    }

    /// The part of the path that names a model.
    ///
    /// - Throws: 400 where it is nothing that a model can be called.
    func modelID() throws(APIError) -> ModelID {
        let text = try pathParameter("id")
        guard let id = ModelID(text) else { throw .badModelID(text, parameter: "id", in: .path) }
        return id
    }

    /// The part of the path that counts a shard.
    ///
    /// - Throws: 400 where it is no number, the vision encoder's, or larger than any model has.
    func shardIndex() throws(APIError) -> ShardIndex {
        let text = try pathParameter("index")
        // Int takes a sign, and "+1" is no index.
        guard text.utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }), let number = Int(text)
        else {
            throw .invalidRequest("\(text.prefix(64)) is no index of a shard", parameter: "index", in: .path)
        }
        guard number != Self.visionEncoderIndex else {
            throw .invalidRequest(
                "\(number) stands for the model's vision encoder, which is no shard that could be asked for by itself",
                parameter: "index", in: .path)
        }
        guard let index = ShardIndex(number) else {
            throw .invalidRequest("no model has a shard \(number)", parameter: "index", in: .path)
        }
        return index
    }
}

extension APIError {
    /// 400 for text that no model can be called.
    static func badModelID(_ text: String, parameter: String, in place: Place = .body) -> APIError {
        .invalidRequest(
            "“\(text.prefix(80))” is no id of a model", parameter: parameter, in: place,
            hint: "Ids have lower-case letters, digits, “-” and “.”; GET /api/admin/models lists those that are known.")
    }
}

extension StringProtocol {
    /// The text without percent escapes (RFC 3986 section 2.1); nil where they are malformed or no UTF-8.
    var percentDecoded: String? {
        guard utf8.contains(UInt8(ascii: "%")) else { return String(self) }
        var bytes: [UInt8] = []
        var rest = Array(utf8)[...]
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
