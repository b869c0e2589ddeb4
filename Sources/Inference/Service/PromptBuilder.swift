package import ChatTemplate
package import Link
import OrderedCollections
import Synchronization

/// Makes text of conversations with the models' own chat templates, each read once.
package final class PromptBuilder: Sendable {
    /// What a model without a template is given: ChatML, as llama-server does.
    package static let fallbackTemplate = """
        {% for message in messages %}{{ '<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>' + '\\n' }}\
        {% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}
        """

    private static let keptTemplates = 32
    private let templates = Mutex<[String: ChatTemplate]>([:])

    package init() {}

    /// The prompt of a conversation.
    ///
    /// - Throws: `InferenceError` with `badRequest` when the template refuses the conversation, `unsupported` when the
    ///   template itself cannot be used.
    package func prompt(
        messages: [JSONValue], tools: [JSONValue], arguments: [String: JSONValue], model: Shoal_V1_ModelDescription
    ) throws(InferenceError) -> String {
        let template = try template(model.chatTemplate.isEmpty ? Self.fallbackTemplate : model.chatTemplate)
        var plain: [JSONValue] = []
        for message in messages { plain.append(try Self.plain(message)) }
        let input = ChatTemplate.Input(
            messages: plain, tools: tools.isEmpty ? nil : tools, addGenerationPrompt: true,
            beginningOfText: model.beginningOfText, endOfText: model.endOfText, extra: arguments)
        do {
            return try template.render(input)
        } catch  where error.code == .raised {
            throw InferenceError(
                .badRequest, "the model's chat template refuses the conversation: \(error.message)",
                parameter: "messages", cause: error)
        } catch  where error.code == .undefined || error.code == .evaluation {
            throw InferenceError(
                .badRequest, "the model's chat template cannot render the conversation: \(error)",
                hint: "check that each message has the fields that its role needs", parameter: "messages", cause: error)
        } catch {
            throw InferenceError(.unsupported, "the model's chat template cannot be used: \(error)", cause: error)
        }
    }

    private func template(_ source: String) throws(InferenceError) -> ChatTemplate {
        if let known = templates.withLock({ $0[source] }) { return known }
        let template: ChatTemplate
        do {
            template = try ChatTemplate(source: source)
        } catch {
            throw InferenceError(.unsupported, "the model's chat template cannot be read: \(error)", cause: error)
        }
        templates.withLock { templates in
            if templates.count >= Self.keptTemplates { templates.removeAll() }
            templates[source] = template
        }
        return template
    }

    /// A message as templates expect it: text parts joined, the arguments of tool calls as objects.
    private static func plain(_ message: JSONValue) throws(InferenceError) -> JSONValue {
        guard case .object(var fields) = message else {
            throw .badRequest("messages", "a message is not an object")
        }
        if case .array(let parts)? = fields["content"] {
            var text = ""
            for part in parts {
                guard part["type"]?.string == "text", let piece = part["text"]?.string else {
                    throw .badRequest(
                        "messages", "content parts of type \"\(part["type"]?.string ?? "")\" are not supported",
                        hint: "send parts of type \"text\"")
                }
                text += piece
            }
            fields["content"] = .string(text)
        } else if fields["content"] == nil {
            fields["content"] = fields["tool_calls"] == nil ? .string("") : .null
        }
        if case .array(let calls)? = fields["tool_calls"] {
            fields["tool_calls"] = .array(calls.map(withParsedArguments))
        }
        return .object(fields)
    }

    private static func withParsedArguments(_ call: JSONValue) -> JSONValue {
        guard case .object(var fields) = call, case .object(var function)? = fields["function"],
            let text = function["arguments"]?.string, let parsed = try? JSONValue(parsing: text)
        else { return call }
        function["arguments"] = parsed
        fields["function"] = .object(function)
        return .object(fields)
    }
}
