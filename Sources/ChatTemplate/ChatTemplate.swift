package import FoundationEssentials

/// A chat template: the part of Jinja that the templates of models use, rendered as `transformers` renders them.
///
/// The dialect is that of `ImmutableSandboxedEnvironment` of Jinja 3.1 with `trim_blocks` and `lstrip_blocks`, the loop controls
/// `break` and `continue`, the tag `generation`, and the functions `raise_exception` and `strftime_now`. Templates come with model
/// files, so they are not trusted: what a template may use is limited, and it can reach nothing but what it is given.
///
///     let template = try ChatTemplate(source: "{% for m in messages %}{{ m.role }}: {{ m.content }}\n{% endfor %}")
///     let prompt = try template.render(.init(messages: [["role": "user", "content": "Hello"]]))
package struct ChatTemplate: Sendable {
    /// The text of the template.
    package let source: String
    private let statements: [Statement]
    private let limits: ChatTemplateLimits

    /// Reads a template.
    ///
    /// - Throws: ``ChatTemplateError`` with the code `syntax` or `limitExceeded` and the line.
    package init(source: String, limits: ChatTemplateLimits = .defaults) throws(ChatTemplateError) {
        guard source.utf8.count <= limits.textBytes else {
            throw ChatTemplateError(
                .limitExceeded, "the template has \(source.utf8.count) bytes, at most \(limits.textBytes) are accepted")
        }
        var lexer = Lexer(source)
        var parser = Parser(tokens: try lexer.tokenize(), limits: limits)
        self.source = source
        self.limits = limits
        statements = try parser.template()
    }

    /// What a template renders.
    package struct Input: Sendable {
        /// The conversation, each message an object as clients send it.
        package var messages: [JSONValue]
        /// The tools that the model may call; the variable is none without.
        package var tools: [JSONValue]?
        /// Documents for retrieval; the variable is none without.
        package var documents: [JSONValue]?
        /// Whether the text ends where the assistant's answer begins.
        package var addGenerationPrompt: Bool
        /// The text of the token that begins a text (`bos_token`); the variable is undefined without.
        package var beginningOfText: String?
        /// The text of the token that ends a text (`eos_token`); the variable is undefined without.
        package var endOfText: String?
        /// More variables, such as `enable_thinking`; they replace those above.
        package var extra: [String: JSONValue]
        /// What `strftime_now` takes for now.
        package var now: Date
        package var timeZone: TimeZone

        package init(
            messages: [JSONValue], tools: [JSONValue]? = nil, documents: [JSONValue]? = nil,
            addGenerationPrompt: Bool = true, beginningOfText: String? = nil, endOfText: String? = nil,
            extra: [String: JSONValue] = [:], now: Date = Date(), timeZone: TimeZone = .current
        ) {
            self.messages = messages
            self.tools = tools
            self.documents = documents
            self.addGenerationPrompt = addGenerationPrompt
            self.beginningOfText = beginningOfText
            self.endOfText = endOfText
            self.extra = extra
            self.now = now
            self.timeZone = timeZone
        }

        fileprivate var variables: [String: JSONValue] {
            var variables: [String: JSONValue] = [
                "messages": .array(messages), "tools": tools.map(JSONValue.array) ?? .null,
                "documents": documents.map(JSONValue.array) ?? .null,
                "add_generation_prompt": .bool(addGenerationPrompt),
            ]
            variables["bos_token"] = beginningOfText.map(JSONValue.string)
            variables["eos_token"] = endOfText.map(JSONValue.string)
            return variables.merging(extra) { _, extra in extra }
        }
    }

    /// The text that the template makes of a conversation.
    ///
    /// - Throws: ``ChatTemplateError``; its code is `raised` where the template itself refuses the conversation.
    package func render(_ input: Input) throws(ChatTemplateError) -> String {
        var variables: [String: Value] = [:]
        for (name, value) in input.variables { variables[name] = try Value(value) }
        let clock = TemplateClock(now: input.now, timeZone: input.timeZone)
        return try Interpreter(variables: variables, clock: clock, limits: limits).render(statements)
    }
}
