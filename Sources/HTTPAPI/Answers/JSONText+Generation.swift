import GGUF
import Generation
import Identifiers
import Inference
import Link

extension JSONText {
    /// Log-probabilities as chat answers have them: `{"content": [...], "refusal": null}`.
    mutating func chatLogProbabilities(_ tokens: [TokenInfo]) {
        raw("{\"content\":")
        array(tokens) { json, token in
            json.raw("{")
            json.chatToken(token.bytes, logProbability: token.logProbability)
            json.raw(",\"top_logprobs\":")
            json.array(token.top) { json, candidate in
                json.raw("{")
                json.chatToken(candidate.bytes, logProbability: candidate.logProbability)
                json.raw("}")
            }
            json.raw("}")
        }
        raw(",\"refusal\":null}")
    }

    private mutating func chatToken(_ bytes: [UInt8], logProbability: Float?) {
        raw("\"token\":")
        string(bytes)
        raw(",\"logprob\":")
        self.logProbability(logProbability ?? 0)
        raw(",\"bytes\":")
        array(bytes) { $0.integer(Int($1)) }
    }

    /// Log-probabilities as completions have them: four parallel arrays.
    mutating func completionLogProbabilities(_ tokens: [TokenInfo]) {
        raw("{\"tokens\":")
        array(tokens) { $0.string(Self.completionToken($1.bytes)) }
        raw(",\"token_logprobs\":")
        array(tokens) { json, token in
            if let value = token.logProbability { json.logProbability(value) } else { json.raw("null") }
        }
        raw(",\"top_logprobs\":")
        array(tokens) { json, token in
            // The first token of a prompt follows nothing, so nothing is likely.
            guard token.logProbability != nil else { return json.raw("null") }
            json.raw("{")
            var names: Set<String> = []
            for candidate in token.top where names.insert(Self.completionToken(candidate.bytes)).inserted {
                if names.count > 1 { json.raw(",") }
                json.string(Self.completionToken(candidate.bytes))
                json.raw(":")
                json.logProbability(candidate.logProbability)
            }
            json.raw("}")
        }
        raw(",\"text_offset\":")
        array(tokens) { $0.integer($1.textOffset) }
        raw("}")
    }

    /// A token's text; a token that is no whole UTF-8 is written as `bytes:\xe2\x82`, as OpenAI does, so that names stay apart.
    static func completionToken(_ bytes: [UInt8]) -> String {
        if let text = String(validating: bytes, as: UTF8.self) { return text }
        return "bytes:"
            + bytes.map { byte in
                let digits = String(byte, radix: 16)
                return "\\x" + (digits.count < 2 ? "0" : "") + digits
            }.joined()
    }

    /// JSON has no infinity: what is never chosen gets OpenAI's -9999.
    private mutating func logProbability(_ value: Float) {
        if value.isFinite { number(value) } else { raw("-9999.0") }
    }

    /// Token counts: the prompt's once for each prompt, the answers' summed up.
    mutating func usage(_ usage: AnswerUsage) {
        raw("{\"prompt_tokens\":")
        integer(usage.promptTokens)
        raw(",\"completion_tokens\":")
        integer(usage.completionTokens)
        raw(",\"total_tokens\":")
        integer(usage.promptTokens + usage.completionTokens)
        raw(",\"prompt_tokens_details\":{\"cached_tokens\":")
        integer(usage.cachedTokens)
        raw("}}")
    }

    /// Times and speeds of one generation, with llama-server's names.
    mutating func timings(_ result: GenerationResult) {
        let computed = max(0, result.usage.promptTokens - result.usage.cachedTokens)
        let prompt = result.timings.promptMilliseconds
        let decode = result.timings.decodeMilliseconds
        // The time runs from the first token to the last one: one step less than tokens.
        let steps = max(0, result.usage.completionTokens - 1)
        raw("{\"cache_n\":")
        integer(result.usage.cachedTokens)
        raw(",\"prompt_n\":")
        integer(computed)
        raw(",\"prompt_ms\":")
        number(Self.rounded(prompt))
        raw(",\"prompt_per_second\":")
        number(prompt > 0 ? Self.rounded(Double(computed) * 1000 / prompt) : 0)
        raw(",\"predicted_n\":")
        integer(result.usage.completionTokens)
        raw(",\"predicted_ms\":")
        number(Self.rounded(decode))
        raw(",\"predicted_per_second\":")
        number(decode > 0 ? Self.rounded(Double(steps) * 1000 / decode) : 0)
        raw("}")
    }

    /// Who served which layers.
    mutating func route(_ route: [RouteSegment]) {
        array(route) { json, segment in
            json.raw("{\"node_id\":")
            json.string(segment.node.short)
            json.raw(",\"nickname\":")
            json.string(segment.nickname)
            json.raw(",\"layers\":[")
            json.integer(segment.layers.first)
            json.raw(",")
            json.integer(segment.layers.end)
            json.raw("],\"is_local\":\(segment.isLocal)}")
        }
    }

    private static func rounded(_ value: Double) -> Double { (value * 1000).rounded() / 1000 }
}

/// Token counts of a whole answer.
struct AnswerUsage: Hashable, Sendable {
    var promptTokens = 0
    var completionTokens = 0
    var cachedTokens = 0

    init() {}

    /// Sums up the results of `choices` answers to each of several prompts.
    init(_ results: [GenerationResult], choicesPerPrompt: Int) {
        for (index, result) in results.enumerated() {
            completionTokens += result.usage.completionTokens
            if index.isMultiple(of: choicesPerPrompt) {
                promptTokens += result.usage.promptTokens
                cachedTokens += result.usage.cachedTokens
            }
        }
    }
}

extension [RouteSegment] {
    /// The route as the value of `x-shoal-route`: `layers=0..<4;node=1a2b3c4d5e6f7081;name=alpha, layers=4..<8;…`.
    var headerValue: String {
        map { segment in
            // Names may hold anything; a header may not.
            let name = segment.nickname.unicodeScalars.map { scalar in
                scalar.isASCII
                    && (scalar.properties.isAlphabetic || ("0"..."9").contains(scalar)
                        || "-._".unicodeScalars.contains(scalar))
                    ? Character(scalar) : "-"
            }
            let layers = "\(segment.layers.first)..<\(segment.layers.end)"
            return "layers=\(layers);node=\(segment.node.short)" + (name.isEmpty ? "" : ";name=\(String(name))")
        }.joined(separator: ", ")
    }
}
