import Generation
import Inference

/// One generation from its first event to its last, for an answer in one piece.
struct CollectedChoice: Sendable {
    /// A tool call put together from its pieces.
    struct ToolCall: Sendable, Hashable {
        var id: String
        var name: String
        var arguments: String
    }

    private(set) var start: GenerationStart?
    private(set) var text = ""
    private(set) var reasoning = ""
    private(set) var toolCalls: [ToolCall] = []
    private(set) var tokens: [TokenInfo] = []
    private(set) var result: GenerationResult?

    mutating func add(_ event: GenerationEvent) {
        switch event {
        case .started(let start): self.start = start
        case .text(let text, let tokens):
            self.text += text
            self.tokens += tokens
        case .reasoning(let text): reasoning += text
        case .toolCall(let delta):
            while toolCalls.count <= delta.index { toolCalls.append(ToolCall(id: delta.id, name: "", arguments: "")) }
            if let name = delta.name { toolCalls[delta.index].name = name }
            toolCalls[delta.index].arguments += delta.argumentsFragment
        case .rerouted: break
        case .finished(let result): self.result = result
        }
    }
}
