import JSON

#if canImport(FoundationEssentials)
    package import FoundationEssentials
#else
    package import Foundation
#endif

/// How bodies are written and read: keys in snake case, in the order of their declaration.
package enum BodyCoding {
    /// The body as JSON.
    package static func encode(_ body: some Encodable) throws -> String { try BodyEncoder.json(of: body).serialized() }

    /// - Throws: `DecodingError`.
    package static func decode<Body: Decodable>(_ json: Data, as: Body.Type = Body.self) throws -> Body {
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        return try decoder.decode(Body.self, from: json)
    }

    /// `uptime_seconds` for `uptimeSeconds`: what `convertFromSnakeCase` reads back.
    static func snakeCase(_ name: String) -> String {
        // No rule tells a number that ends with a letter from one that a word follows, as in `p50LatencyMs`.
        if name == "estTokensPerSec7B" { return "est_tokens_per_sec_7b" }
        var snake: [UInt8] = []
        for letter in name.utf8 {
            let isCapital = (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(letter)
            if isCapital { snake.append(UInt8(ascii: "_")) }
            snake.append(isCapital ? letter | 0x20 : letter)
        }
        return String(decoding: snake, as: UTF8.self)
    }
}
