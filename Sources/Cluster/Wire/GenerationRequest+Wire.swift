import Generation
import Inference
import JSON
import Link

extension Shoal_V1_GenerationJob {
    /// What a worker is told to generate.
    ///
    /// - Parameter seed: chosen by the master where the client has none, so that another worker makes the same answer.
    init(_ request: GenerationRequest, seed: UInt32) {
        self.init()
        model = request.model
        switch request.prompt {
        case .chat(let given):
            chat.messages = given.messages.map { $0.json.serialized() }
            chat.tools = given.tools.map { $0.json.serialized() }
            chat.toolChoice = given.toolChoice.json.serialized()
            chat.templateArguments = given.templateArguments.mapValues { $0.serialized() }
            singleToolCall = !given.allowsParallelToolCalls
            continuesLastMessage = given.continuesLastMessage
        case .text(let text): self.text = text
        case .tokens(let tokens): self.tokens.tokens = tokens
        }
        sampling = Shoal_V1_Sampling(request.sampling, seed: seed)
        if let maximum = request.maximumTokens { maximumTokens = UInt32(clamping: maximum) }
        stop = request.stop
        if let top = request.topLogProbabilities { topLogProbabilities = UInt32(clamping: top) }
        echo = request.echo
        cachePrompt = request.cachePrompt
        ignoreEndOfGeneration = request.ignoreEndOfGeneration
        parseToolCalls = request.parseToolCalls
        switch request.responseFormat {
        case .text: break
        case .jsonObject: jsonObject = true
        case .jsonSchema(let schema): jsonSchema = schema.serialized()
        case .grammar(let grammar): self.grammar = grammar
        }
    }
}

extension GenerationRequest {
    /// Reads what the master wants generated.
    ///
    /// - Throws: ``Violation`` for what is no request, and `InferenceError` for one that is wrong.
    init(_ job: Shoal_V1_GenerationJob) throws {
        let prompt: Prompt
        switch job.prompt {
        case .chat(let message):
            let tools = try Tool.list(try JSONValue.list(message.tools))
            var chat = Chat(try ChatMessage.list(try JSONValue.list(message.messages)), tools: tools)
            if message.hasToolChoice {
                chat.toolChoice = try ToolChoice(JSONValue(job: message.toolChoice), tools: tools)
            }
            chat.allowsParallelToolCalls = !job.singleToolCall
            chat.continuesLastMessage = job.continuesLastMessage
            chat.templateArguments = try message.templateArguments.mapValues { try JSONValue(job: $0) }
            prompt = .chat(chat)
        case .text(let text): prompt = .text(text)
        case .tokens(let tokens): prompt = .tokens(tokens.tokens)
        case nil: throw Violation("the job has no prompt")
        }
        let format: ResponseFormat
        switch job.responseFormat {
        case nil: format = .text
        case .jsonObject: format = .jsonObject
        case .jsonSchema(let text): format = .jsonSchema(try JSONValue(job: text))
        case .grammar(let text): format = .grammar(text)
        }
        self.init(
            model: job.model, prompt: prompt, sampling: Sampling(job.sampling),
            maximumTokens: job.hasMaximumTokens ? Int(job.maximumTokens) : nil, stop: job.stop,
            topLogProbabilities: job.hasTopLogProbabilities ? Int(job.topLogProbabilities) : nil, echo: job.echo,
            cachePrompt: job.cachePrompt, ignoreEndOfGeneration: job.ignoreEndOfGeneration, responseFormat: format,
            parseToolCalls: job.parseToolCalls)
    }
}

extension JSONValue {
    fileprivate init(job text: String) throws(Violation) {
        guard let value = try? JSONValue(parsing: text) else { throw Violation("the job holds JSON that is none") }
        self = value
    }

    fileprivate static func list(_ texts: [String]) throws(Violation) -> [JSONValue] {
        var values: [JSONValue] = []
        for text in texts { values.append(try JSONValue(job: text)) }
        return values
    }
}
