import Generation
import JSON
import OrderedCollections

/// The body of `POST /v1/chat/completions`.
struct ChatCompletionRequest {
    var generation: GenerationRequest
    /// How many answers.
    var choices: Int
    var stream: StreamOptions
    /// Whether an answer may hold more than one tool call.
    let allowsParallelToolCalls: Bool

    /// Reads a body.
    ///
    /// - Throws: 400 that names the field that is missing, wrong, unknown, or cannot be honoured.
    init(_ body: JSONValue, maximumChoices: Int) throws(APIError) {
        var fields = try RequestFields(body)
        let model = try fields.requiredString("model", maximumBytes: 512)
        var chat = try Self.chat(&fields)
        stream = try StreamOptions(&fields)
        choices = try fields.integer("n", in: 1...maximumChoices) ?? 1
        allowsParallelToolCalls = try fields.bool("parallel_tool_calls") ?? true
        chat.allowsParallelToolCalls = allowsParallelToolCalls

        let reasoningFormat = try fields.string("reasoning_format", maximumBytes: 64) ?? "auto"
        guard ["auto", "none", "deepseek"].contains(reasoningFormat) else {
            throw fields.invalid("reasoning_format", "must be auto, deepseek or none")
        }
        guard reasoningFormat != "none" || chat.tools.isEmpty else {
            throw fields.invalid("reasoning_format", "cannot be none together with tools")
        }
        chat.templateArguments = try Self.templateArguments(&fields)
        chat.continuesLastMessage = try Self.continuesLastMessage(&fields, chat.messages)
        generation = GenerationRequest(
            model: model,
            prompt: .chat(chat),
            sampling: try fields.sampling(),
            maximumTokens: try fields.maximumTokens(["max_completion_tokens", "max_tokens", "n_predict"], minimum: 1),
            stop: try fields.stopTexts(),
            topLogProbabilities: try Self.topLogProbabilities(&fields),
            cachePrompt: try fields.bool("cache_prompt") ?? true,
            ignoreEndOfGeneration: try fields.bool("ignore_eos") ?? false,
            responseFormat: try fields.responseFormat(),
            parseToolCalls: reasoningFormat != "none")
        try fields.neutralOptions()
        try fields.refuseUnread()
    }

    /// The most messages of a conversation.
    private static let maximumMessages = 16_384

    /// `messages`, `tools` and `tool_choice`.
    private static func chat(_ fields: inout RequestFields) throws(APIError) -> Chat {
        guard let messages = try fields.array("messages") else { throw fields.missing("messages") }
        guard messages.count <= maximumMessages else {
            throw fields.invalid("messages", "may hold at most \(maximumMessages) messages")
        }
        let tools = try fields.array("tools") ?? []
        let choice = fields.value("tool_choice")
        do {
            var chat = Chat(try ChatMessage.list(messages), tools: try Tool.list(tools))
            if let choice { chat.toolChoice = try ToolChoice(choice, tools: chat.tools) }
            return chat
        } catch {
            throw APIError(error)
        }
    }

    /// `continue_final_message`, as llama-server and vLLM have it: the answer goes on behind the assistant's last message.
    private static func continuesLastMessage(
        _ fields: inout RequestFields, _ messages: [ChatMessage]
    ) throws(APIError) -> Bool {
        let continues = try fields.bool("continue_final_message") ?? false
        let begins = try fields.bool("add_generation_prompt")
        guard continues else {
            guard begins != false else {
                throw fields.invalid("add_generation_prompt", "can only be false with continue_final_message")
            }
            return false
        }
        guard begins != true else {
            throw fields.invalid("add_generation_prompt", "must not be true with continue_final_message")
        }
        guard let last = messages.last, last.role == .assistant, last.toolCalls.isEmpty else {
            throw fields.invalid("continue_final_message", "needs a last message of the assistant without tool calls")
        }
        return true
    }

    /// `chat_template_kwargs`, with OpenAI's `reasoning_effort` among them.
    private static func templateArguments(_ fields: inout RequestFields) throws(APIError) -> [String: JSONValue] {
        var arguments: [String: JSONValue] = [:]
        if let value = fields.value("chat_template_kwargs") {
            guard let object = value.object else {
                throw fields.wrongKind("chat_template_kwargs", value, expected: "an object")
            }
            guard !value.isLarger(than: longestTemplateArguments) else {
                throw fields.invalid("chat_template_kwargs", "may have at most \(longestTemplateArguments) bytes")
            }
            for (name, argument) in object {
                guard !reservedTemplateArguments.contains(name) else {
                    throw fields.invalid(
                        "chat_template_kwargs.\(name)", "is what the node itself gives the template; leave it out")
                }
                arguments[name] = argument
            }
        }
        if let effort = try fields.string("reasoning_effort", maximumBytes: 16) {
            guard ["none", "minimal", "low", "medium", "high", "xhigh"].contains(effort) else {
                throw fields.invalid("reasoning_effort", "must be none, minimal, low, medium, high or xhigh")
            }
            arguments["reasoning_effort"] = arguments["reasoning_effort"] ?? .string(effort)
            if effort == "none" { arguments["enable_thinking"] = arguments["enable_thinking"] ?? false }
        }
        return arguments
    }

    /// The most bytes of `chat_template_kwargs`: switches and short texts.
    private static let longestTemplateArguments = 64 << 10
    /// What templates get from the node, and what they are made of.
    private static let reservedTemplateArguments: Set<String> = [
        "messages", "tools", "documents", "add_generation_prompt", "continue_final_message", "bos_token", "eos_token",
        "raise_exception", "strftime_now", "namespace", "range", "dict", "cycler", "joiner", "lipsum", "loop", "self",
    ]

    /// `logprobs` with `top_logprobs`, or llama-server's `n_probs`.
    private static func topLogProbabilities(_ fields: inout RequestFields) throws(APIError) -> Int? {
        let wanted = try fields.bool("logprobs") ?? false
        let top = try fields.integer("top_logprobs", in: 0...20)
        let count = try fields.integer("n_probs", in: 0...100)
        if let top, top > 0, !wanted { throw fields.invalid("top_logprobs", "needs logprobs to be true") }
        if wanted { return max(top ?? 0, count ?? 0) }
        guard let count, count > 0 else { return nil }
        return count
    }
}
