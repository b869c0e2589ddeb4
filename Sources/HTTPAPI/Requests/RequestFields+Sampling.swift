import Generation
import Inference
import JSON
import OrderedCollections

extension RequestFields {
    /// Reads how to sample: OpenAI's names and llama-server's.
    mutating func sampling() throws(APIError) -> Sampling {
        var sampling = Sampling()
        if let value = try number("temperature", in: 0...2) { sampling.temperature = Float(value) }
        if let value = try integer("top_k", in: -1...1_000_000) { sampling.topK = max(0, value) }
        if let value = try number("top_p", in: 0...1) { sampling.topP = Float(value) }
        if let value = try number("min_p", in: 0...1) { sampling.minP = Float(value) }
        if let value = try number("typical_p", in: 0...1) { sampling.typicalP = Float(value) }
        if let value = try number("repeat_penalty", in: 0.01...100) { sampling.repeatPenalty = Float(value) }
        if let value = try integer("repeat_last_n", in: -1...1_000_000) { sampling.repeatLastN = value }
        if let value = try number("presence_penalty", in: -2...2) { sampling.presencePenalty = Float(value) }
        if let value = try number("frequency_penalty", in: -2...2) { sampling.frequencyPenalty = Float(value) }
        // -1 is llama-server's way to say "any".
        if let value = try integer("seed", in: Int.min...Int.max), value != -1 {
            sampling.seed = UInt32(truncatingIfNeeded: value)
        }
        if let value = value("logit_bias") { sampling.logitBias = try logitBias(value) }
        return sampling
    }

    /// `{"token id": bias}` as OpenAI writes it, or `[[token id, bias], …]` as llama-server does; `false` for a bias forbids the token.
    private func logitBias(_ value: JSONValue) throws(APIError) -> [Int32: Float] {
        var pairs: [(JSONValue, JSONValue)] = []
        switch value {
        case .object(let members): for (key, bias) in members { pairs.append((.string(key), bias)) }
        case .array(let elements):
            for element in elements {
                guard let pair = element.array, pair.count == 2 else {
                    throw invalid("logit_bias", "as an array must hold pairs [token id, bias]")
                }
                pairs.append((pair[0], pair[1]))
            }
        default: throw wrongKind("logit_bias", value, expected: "an object")
        }
        guard pairs.count <= 4096 else { throw invalid("logit_bias", "may have at most 4096 entries") }
        var biases: [Int32: Float] = [:]
        for (key, bias) in pairs {
            let identifier = key.integer.map(Int64.init) ?? key.string.flatMap { Int64($0) }
            guard let identifier, let token = Int32(exactly: identifier), token >= 0 else {
                throw invalid("logit_bias", "must be keyed by token ids, and \(key.serialized().prefix(64)) is none")
            }
            if bias == .bool(false) {
                biases[token] = -.infinity
            } else if let number = bias.double, (-100...100).contains(number) {
                biases[token] = Float(number)
            } else {
                throw invalid("logit_bias", "of token \(token) must be a number from -100 to 100")
            }
        }
        return biases
    }

    /// Reads `stop`: one text or several.
    mutating func stopTexts() throws(APIError) -> [String] {
        guard let value = value("stop") else { return [] }
        let elements: [JSONValue]
        switch value {
        case .string: elements = [value]
        case .array(let array): elements = array
        default: throw wrongKind("stop", value, expected: "a string or an array of strings")
        }
        guard elements.count <= 64 else { throw invalid("stop", "may have at most 64 texts") }
        var texts: [String] = []
        for element in elements {
            guard let text = element.string, !text.isEmpty, text.utf8.count <= 4096 else {
                throw invalid("stop", "must hold texts of 1 to 4096 bytes")
            }
            texts.append(text)
        }
        return texts
    }

    /// Reads the number of tokens to produce at most, under any of its names; -1 is no limit.
    mutating func maximumTokens(_ names: [String], minimum: Int) throws(APIError) -> Int? {
        var found: (name: String, value: Int)?
        for name in names {
            guard let value = try integer(name, in: -1...1_000_000_000) else { continue }
            if value < minimum, value != -1 { throw invalid(name, "must be at least \(minimum), and is \(value)") }
            if let found, found.value != value { throw invalid(name, "contradicts \(found.name)") }
            found = (name, value)
        }
        guard let found, found.value >= 0 else { return nil }
        return found.value
    }

    /// Reads what the text must be: OpenAI's `response_format`, or llama-server's `json_schema` or `grammar`.
    mutating func responseFormat() throws(APIError) -> ResponseFormat {
        var format = ResponseFormat.text
        if var fields = try object("response_format") { format = try Self.responseFormat(&fields) }
        let schema = value("json_schema")
        let grammar = try string("grammar")
        let given = [schema != nil, grammar?.isEmpty == false, !format.isFree].count { $0 }
        guard given <= 1 else {
            throw invalid(
                schema != nil ? "json_schema" : "grammar",
                "cannot be combined with another of response_format, json_schema and grammar")
        }
        if let schema {
            guard schema.object != nil || schema.bool != nil else {
                throw wrongKind("json_schema", schema, expected: "an object")
            }
            return .jsonSchema(schema)
        }
        if let grammar, !grammar.isEmpty { return .grammar(grammar) }
        return format
    }

    private static func responseFormat(_ fields: inout RequestFields) throws(APIError) -> ResponseFormat {
        let format: ResponseFormat
        switch try fields.requiredString("type", maximumBytes: 64) {
        case "text": format = .text
        case "json_object":
            // llama-server takes a schema here too.
            let schema = try fields.schema("schema")
            format = schema.map { .jsonSchema($0) } ?? .jsonObject
        case "json_schema":
            guard var inner = try fields.object("json_schema") else { throw fields.missing("json_schema") }
            inner.ignore(["name", "description"])
            _ = try inner.bool("strict")
            guard let schema = try inner.schema("schema") else { throw inner.missing("schema") }
            try inner.refuseUnread()
            format = .jsonSchema(schema)
        default: throw fields.invalid("type", "must be text, json_object or json_schema")
        }
        try fields.refuseUnread()
        return format
    }

    private mutating func schema(_ name: String) throws(APIError) -> JSONValue? {
        guard let schema = value(name) else { return nil }
        guard schema.object != nil || schema.bool != nil else { throw wrongKind(name, schema, expected: "an object") }
        return schema
    }

    /// Reads the options of OpenAI and llama-server that change nothing here, and those that can only be left off.
    mutating func neutralOptions() throws(APIError) {
        // Bookkeeping of OpenAI's platform: it never changes the answer.
        ignore(["user", "metadata", "safety_identifier", "prompt_cache_key", "prompt_cache_retention", "prediction"])
        for (name, values) in Self.neutralValues { try require(name, oneOf: values) }
    }

    private static let neutralValues: [(String, [JSONValue])] = [
        ("store", [false]),
        ("service_tier", ["auto", "default"]),
        ("verbosity", ["medium"]),
        ("modalities", [["text"]]),
        ("id_slot", [-1]),
        ("n_keep", [0]),
        ("n_discard", [0]),
        ("n_indent", [0]),
        ("min_keep", [0]),
        ("mirostat", [0]),
        ("dynatemp_range", [0]),
        ("xtc_probability", [0]),
        ("dry_multiplier", [0]),
        ("top_n_sigma", [-1]),
        ("t_max_predict_ms", [0]),
        ("t_max_prompt_ms", [-1]),
        ("timings_per_token", [false]),
        ("return_tokens", [false]),
        ("return_progress", [false]),
        ("post_sampling_probs", [false]),
        ("use_beam_search", [false]),
        ("lora", [[]]),
    ]
}
