/// One message of a conversation.
package struct ChatMessage: Sendable, Equatable {
    /// Who says it.
    package enum Role: String, Sendable, CaseIterable {
        /// Sets the rules; OpenAI's `developer` is the same.
        case system
        case user
        case assistant
        /// What a tool that was called gave back.
        case tool
    }

    /// A piece of what a message holds.
    package enum Part: Sendable, Equatable {
        case text(String)
        case image(Image)
    }

    /// A picture, which is either at an address or is the address itself.
    package struct Image: Sendable, Equatable {
        /// `https:` or `data:`.
        package var url: String
        /// How closely it is looked at: `low`, `high` or `auto`; nil for the model's own choice.
        package var detail: String?

        package init(url: String, detail: String? = nil) {
            self.url = url
            self.detail = detail
        }
    }

    package var role: Role
    /// In order. A message that only calls tools has none.
    package var parts: [Part]
    /// What the assistant thought before it answered.
    package var reasoning: String?
    package var toolCalls: [ToolCall]
    /// The call that a tool's result answers.
    package var toolCallID: String?
    /// Who speaks; of a tool's result, the tool.
    package var name: String?

    package init(
        _ role: Role, parts: [Part], reasoning: String? = nil, toolCalls: [ToolCall] = [], toolCallID: String? = nil,
        name: String? = nil
    ) {
        self.role = role
        self.parts = parts
        self.reasoning = reasoning
        self.toolCalls = toolCalls
        self.toolCallID = toolCallID
        self.name = name
    }

    package init(_ role: Role, _ text: String) { self.init(role, parts: [.text(text)]) }

    /// The texts among the parts.
    package var texts: [String] {
        parts.compactMap { part in
            if case .text(let text) = part { text } else { nil }
        }
    }
}

/// One call of a tool that the assistant made.
package struct ToolCall: Sendable, Equatable {
    /// Nil where whoever wrote the conversation gave none.
    package var id: String?
    package var name: String
    /// JSON, or what should have been.
    package var arguments: String

    package init(id: String? = nil, name: String, arguments: String) {
        self.id = id
        self.name = name
        self.arguments = arguments
    }
}
