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
        case .chat(let messages, let tools, let choice, let arguments):
            chat.messages = messages.map { $0.serialized() }
            chat.tools = tools.map { $0.serialized() }
            if let choice { chat.toolChoice = choice.serialized() }
            chat.templateArguments = arguments.mapValues { $0.serialized() }
        case .text(let text): self.text = text
        case .tokens(let tokens): self.tokens.tokens = tokens
        }
        sampling = Shoal_V1_JobSampling(request.sampling, seed: seed)
        if let maximum = request.maximumTokens { maximumTokens = UInt32(clamping: maximum) }
        stop = request.stop
        if let top = request.topLogProbabilities { topLogProbabilities = UInt32(clamping: top) }
        echo = request.echo
        cachePrompt = request.cachePrompt
        ignoreEndOfGeneration = request.ignoreEndOfGeneration
        parseToolCalls = request.parseToolCalls
        singleToolCall = !request.allowsParallelToolCalls
        continuesLastMessage = request.continuesLastMessage
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
    init(_ job: Shoal_V1_GenerationJob) throws(Violation) {
        let prompt: Prompt
        switch job.prompt {
        case .chat(let chat):
            var arguments: [String: JSONValue] = [:]
            for (name, text) in chat.templateArguments { arguments[name] = try JSONValue(job: text) }
            prompt = .chat(
                messages: try JSONValue.list(chat.messages), tools: try JSONValue.list(chat.tools),
                toolChoice: chat.hasToolChoice ? try JSONValue(job: chat.toolChoice) : nil,
                templateArguments: arguments)
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
        allowsParallelToolCalls = !job.singleToolCall
        continuesLastMessage = job.continuesLastMessage
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

extension Shoal_V1_JobSampling {
    fileprivate init(_ sampling: Sampling, seed: UInt32) {
        self.init()
        temperature = sampling.temperature
        topK = Int32(clamping: sampling.topK)
        topP = sampling.topP
        minP = sampling.minP
        typicalP = sampling.typicalP
        repeatPenalty = sampling.repeatPenalty
        repeatLastN = Int32(clamping: sampling.repeatLastN)
        presencePenalty = sampling.presencePenalty
        frequencyPenalty = sampling.frequencyPenalty
        self.seed = seed
        logitBias = sampling.logitBias
    }
}

extension Sampling {
    fileprivate init(_ message: Shoal_V1_JobSampling) {
        self.init()
        temperature = message.temperature
        topK = Int(message.topK)
        topP = message.topP
        minP = message.minP
        typicalP = message.typicalP
        repeatPenalty = message.repeatPenalty
        repeatLastN = Int(message.repeatLastN)
        presencePenalty = message.presencePenalty
        frequencyPenalty = message.frequencyPenalty
        seed = message.seed
        logitBias = message.logitBias
    }
}
