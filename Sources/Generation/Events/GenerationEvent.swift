package import Identifiers

/// What happens in the course of one generation, in order: `started`, any number of the middle ones, `finished`.
package enum GenerationEvent: Sendable {
    /// The prompt is under way in the segments of the route.
    case started(GenerationStart)
    /// More of the visible text, with the tokens that made it. Either may be empty: a token may hold half a character,
    /// and text may be held back while it could be the beginning of a stop text.
    case text(String, [TokenInfo])
    /// More of what the model thinks before it answers.
    case reasoning(String)
    /// A piece of a tool call.
    case toolCall(ToolCallDelta)
    /// A segment was lost, and others go on in its place.
    case rerouted(reason: String, route: [RouteSegment])
    /// The last event.
    case finished(GenerationResult)
}

/// One step of the way that a generation takes through the swarm.
package struct RouteSegment: Sendable, Hashable {
    package let node: NodeID
    /// The node's name for people; empty when it has none.
    package let nickname: String
    package let layers: LayerRange
    package let isLocal: Bool

    package init(node: NodeID, nickname: String, layers: LayerRange, isLocal: Bool) {
        self.node = node
        self.nickname = nickname
        self.layers = layers
        self.isLocal = isLocal
    }
}

/// The beginning of a generation.
package struct GenerationStart: Sendable {
    /// 32 hexadecimal digits, new for every request.
    package let requestID: String
    /// Id of the model that answers.
    package let model: String
    package let route: [RouteSegment]
    package let promptTokens: Int
    /// Tokens of the prompt that every segment still had from an earlier request.
    package let cachedTokens: Int

    package init(requestID: String, model: String, route: [RouteSegment], promptTokens: Int, cachedTokens: Int) {
        self.requestID = requestID
        self.model = model
        self.route = route
        self.promptTokens = promptTokens
        self.cachedTokens = cachedTokens
    }
}

/// One token of the answer, or of the prompt when it is echoed.
package struct TokenInfo: Sendable, Equatable {
    /// One of the most likely tokens at a place.
    package struct Candidate: Sendable, Equatable {
        package let token: Int32
        package let bytes: [UInt8]
        package let logProbability: Float

        package init(token: Int32, bytes: [UInt8], logProbability: Float) {
            self.token = token
            self.bytes = bytes
            self.logProbability = logProbability
        }
    }

    package let token: Int32
    /// The token's text, which need not be whole UTF-8.
    package let bytes: [UInt8]
    /// Natural logarithm; nil when none was asked for, and for the first token of an echoed prompt.
    package let logProbability: Float?
    /// The most likely tokens, best first.
    package let top: [Candidate]
    /// Where the token begins, in Unicode scalars from the beginning of the text (the echoed prompt included).
    package let textOffset: Int

    package init(token: Int32, bytes: [UInt8], logProbability: Float?, top: [Candidate], textOffset: Int) {
        self.token = token
        self.bytes = bytes
        self.logProbability = logProbability
        self.top = top
        self.textOffset = textOffset
    }
}

/// A piece of a tool call. The first piece of each call carries its id and name.
package struct ToolCallDelta: Sendable, Equatable {
    /// Which call of the answer, from 0.
    package let index: Int
    package let id: String
    package let name: String?
    /// More of the arguments' JSON.
    package let argumentsFragment: String

    package init(index: Int, id: String, name: String?, argumentsFragment: String) {
        self.index = index
        self.id = id
        self.name = name
        self.argumentsFragment = argumentsFragment
    }
}

/// How a generation ended, and what it took.
package struct GenerationResult: Sendable {
    /// Why the answer ends; the raw values are OpenAI's.
    package enum FinishReason: String, Sendable {
        case stop
        case length
        case toolCalls = "tool_calls"
    }

    package let finishReason: FinishReason
    package let usage: TokenUsage
    package let timings: GenerationTimings
    /// The route at the end.
    package let route: [RouteSegment]

    package init(finishReason: FinishReason, usage: TokenUsage, timings: GenerationTimings, route: [RouteSegment]) {
        self.finishReason = finishReason
        self.usage = usage
        self.timings = timings
        self.route = route
    }
}

/// Tokens of one generation.
package struct TokenUsage: Sendable, Equatable {
    package let promptTokens: Int
    package let completionTokens: Int
    /// Tokens of the prompt that did not have to be computed.
    package let cachedTokens: Int

    package init(promptTokens: Int, completionTokens: Int, cachedTokens: Int) {
        self.promptTokens = promptTokens
        self.completionTokens = completionTokens
        self.cachedTokens = cachedTokens
    }

    package var totalTokens: Int { promptTokens + completionTokens }
}

/// Times of one generation.
package struct GenerationTimings: Sendable, Equatable {
    /// From the start of the session to the first token.
    package let promptMilliseconds: Double
    /// From the first token to the last one.
    package let decodeMilliseconds: Double

    package init(promptMilliseconds: Double, decodeMilliseconds: Double) {
        self.promptMilliseconds = promptMilliseconds
        self.decodeMilliseconds = decodeMilliseconds
    }
}
