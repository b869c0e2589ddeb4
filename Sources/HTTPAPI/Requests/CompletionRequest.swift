import Generation
import Inference
import JSON

/// The body of `POST /v1/completions`.
struct CompletionRequest {
    /// One for each prompt.
    var generations: [GenerationRequest]
    /// How many answers to each prompt.
    var choices: Int
    var stream: StreamOptions

    /// Reads a body.
    ///
    /// - Throws: 400 that names the field that is missing, wrong, unknown, or cannot be honoured.
    init(_ body: JSONValue, maximumChoices: Int) throws(APIError) {
        var fields = try RequestFields(body)
        let model = try fields.requiredString("model", maximumBytes: 512)
        let prompts = try Self.prompts(&fields)
        stream = try StreamOptions(&fields)
        choices = try fields.integer("n", in: 1...maximumChoices) ?? 1
        guard prompts.count * choices <= maximumChoices else {
            throw fields.invalid("prompt", "and n ask for more than \(maximumChoices) answers in all")
        }
        // Any other value would mean to make more answers than are sent.
        try fields.require("best_of", oneOf: [.integer(choices)])
        try fields.require("suffix", oneOf: [""])

        let logProbabilities = try fields.integer("logprobs", in: 0...100)
        let count = try fields.integer("n_probs", in: 0...100)
        var request = GenerationRequest(
            model: model,
            prompt: .text(""),
            sampling: try fields.sampling(),
            maximumTokens: try Self.maximumTokens(&fields),
            stop: try fields.stopTexts(),
            topLogProbabilities: logProbabilities ?? count.flatMap { $0 > 0 ? $0 : nil },
            echo: try fields.bool("echo") ?? false,
            cachePrompt: try fields.bool("cache_prompt") ?? true,
            ignoreEndOfGeneration: try fields.bool("ignore_eos") ?? false,
            responseFormat: try fields.responseFormat(),
            parseToolCalls: false)
        try fields.neutralOptions()
        try fields.refuseUnread()
        generations = prompts.map { prompt in
            request.prompt = prompt
            return request
        }
    }

    /// OpenAI's default is 16; -1 is no limit.
    private static func maximumTokens(_ fields: inout RequestFields) throws(APIError) -> Int? {
        let isGiven = ["max_tokens", "n_predict"].contains { fields.value($0) != nil }
        return isGiven ? try fields.maximumTokens(["max_tokens", "n_predict"], minimum: 0) : 16
    }

    /// `prompt`: a text, an array of texts, an array of token ids, or an array of such arrays.
    private static func prompts(_ fields: inout RequestFields) throws(APIError) -> [GenerationRequest.Prompt] {
        guard let value = fields.value("prompt") else { throw fields.missing("prompt") }
        return try TextOrTokens.read(value, name: "prompt").map { input in
            switch input {
            case .text(let text): .text(text)
            case .tokens(let tokens): .tokens(tokens)
            }
        }
    }
}
