import GGUF
import Generation
import Identifiers
import Inference
import Link
import SwiftProtobuf

extension Shoal_V1_JobEvent {
    /// What a worker says of an event of its own.
    init(_ event: GenerationEvent) {
        self.init()
        switch event {
        case .started(let start):
            started = .with {
                $0.requestID = start.requestID
                $0.model = start.model
                $0.route = start.route.map { Shoal_V1_JobRouteSegment($0) }
                $0.promptTokens = UInt32(clamping: start.promptTokens)
                $0.cachedTokens = UInt32(clamping: start.cachedTokens)
            }
        case .text(let text, let tokens):
            self.text = .with {
                $0.text = text
                $0.tokens = tokens.map { Shoal_V1_JobToken($0) }
            }
        case .reasoning(let text): reasoning = text
        case .toolCall(let delta):
            toolCall = .with {
                $0.index = UInt32(clamping: delta.index)
                $0.id = delta.id
                if let name = delta.name { $0.name = name }
                $0.argumentsFragment = delta.argumentsFragment
            }
        case .rerouted(let reason, let route):
            rerouted = .with {
                $0.reason = reason
                $0.route = route.map { Shoal_V1_JobRouteSegment($0) }
            }
        case .finished(let result):
            finished = .with {
                $0.finishReason = result.finishReason.rawValue
                $0.promptTokens = UInt32(clamping: result.usage.promptTokens)
                $0.completionTokens = UInt32(clamping: result.usage.completionTokens)
                $0.cachedTokens = UInt32(clamping: result.usage.cachedTokens)
                $0.promptMilliseconds = result.timings.promptMilliseconds
                $0.decodeMilliseconds = result.timings.decodeMilliseconds
                $0.route = result.route.map { Shoal_V1_JobRouteSegment($0) }
            }
        }
    }

    init(_ error: InferenceError) {
        self.init()
        failure = .with {
            $0.code = error.code.rawValue
            $0.message = error.message
            if let hint = error.hint { $0.hint = hint }
            if let parameter = error.parameter { $0.parameter = parameter }
        }
    }
}

extension GenerationEvent {
    /// Reads what a worker says of an event.
    ///
    /// - Parameter hostname: the worker's, by which the segments of its route are called.
    /// - Returns: nil for what is no event of a generation.
    init?(_ event: Shoal_V1_JobEvent, hostname: Hostname) throws(Violation) {
        switch event.event {
        case .started(let start):
            self = .started(
                GenerationStart(
                    requestID: try WorkerDescription.text(start.requestID),
                    model: try WorkerDescription.text(start.model),
                    route: try RouteSegment.route(start.route, hostname: hostname),
                    promptTokens: Int(start.promptTokens),
                    cachedTokens: Int(start.cachedTokens)))
        case .text(let text): self = .text(text.text, text.tokens.map { TokenInfo($0) })
        case .reasoning(let text): self = .reasoning(text)
        case .toolCall(let call):
            guard call.index < Self.maximumToolCalls else { throw Violation("it made more tool calls than may be") }
            self = .toolCall(
                ToolCallDelta(
                    index: Int(call.index), id: call.id, name: call.hasName ? call.name : nil,
                    argumentsFragment: call.argumentsFragment))
        case .rerouted(let rerouted):
            self = .rerouted(
                reason: String(rerouted.reason.prefix(Self.maximumText)),
                route: try RouteSegment.route(rerouted.route, hostname: hostname))
        case .finished(let result):
            guard let reason = GenerationResult.FinishReason(rawValue: result.finishReason) else {
                throw Violation("a job ended for a reason that there is none of")
            }
            self = .finished(
                GenerationResult(
                    finishReason: reason,
                    usage: TokenUsage(
                        promptTokens: Int(result.promptTokens), completionTokens: Int(result.completionTokens),
                        cachedTokens: Int(result.cachedTokens)),
                    timings: GenerationTimings(
                        promptMilliseconds: try Self.milliseconds(result.promptMilliseconds),
                        decodeMilliseconds: try Self.milliseconds(result.decodeMilliseconds)),
                    route: try RouteSegment.route(result.route, hostname: hostname)))
        case .accepted, .ready, .embeddings, .failure, nil: return nil
        }
    }

    /// Calls of tools that one answer may have.
    private static let maximumToolCalls: UInt32 = 1024
    fileprivate static let maximumText = 500
    /// About thirty years.
    private static let longest = 1e12

    private static func milliseconds(_ value: Double) throws(Violation) -> Double {
        guard value >= 0, value <= longest else { throw Violation("it took a time that there is none of") }
        return value
    }
}

extension Shoal_V1_JobEvent {
    /// Bytes that the event takes in memory, roughly.
    var weight: Int {
        switch event {
        case .started(let start): 256 + start.requestID.utf8.count + start.model.utf8.count + start.route.count * 128
        case .text(let text): 128 + text.text.utf8.count + text.tokens.reduce(0) { $0 + $1.weight }
        case .reasoning(let text): 128 + text.utf8.count
        case .toolCall(let call):
            128 + call.id.utf8.count + call.name.utf8.count + call.argumentsFragment.utf8.count
        case .rerouted(let rerouted): 128 + rerouted.reason.utf8.count + rerouted.route.count * 128
        case .finished(let result): 256 + result.route.count * 128
        case .embeddings(let part): part.embeddings.reduce(128) { $0 + 64 + $1.vector.count * 4 }
        case .failure(let failure):
            128 + failure.message.utf8.count + failure.hint.utf8.count + failure.parameter.utf8.count
        case .accepted, .ready, nil: 128
        }
    }
}

extension Shoal_V1_JobToken {
    fileprivate var weight: Int { 96 + bytes.count + top.reduce(0) { $0 + 96 + $1.bytes.count } }
}

extension InferenceError {
    /// Why a worker could not do a job.
    init(_ failure: Shoal_V1_JobFailure) {
        func short(_ text: String) -> String { String(text.prefix(GenerationEvent.maximumText)) }
        self.init(
            Code(rawValue: short(failure.code)), short(failure.message),
            hint: failure.hasHint ? short(failure.hint) : nil,
            parameter: failure.hasParameter ? short(failure.parameter) : nil)
    }
}

extension Shoal_V1_JobRouteSegment {
    fileprivate init(_ segment: RouteSegment) {
        self.init()
        nodeID = .init(segment.node.bytes)
        nickname = segment.nickname
        firstLayer = UInt32(clamping: segment.layers.first)
        endLayer = UInt32(clamping: segment.layers.end)
    }
}

extension RouteSegment {
    private static let maximumSegments = 256

    fileprivate static func route(
        _ messages: [Shoal_V1_JobRouteSegment], hostname: Hostname
    ) throws(Violation) -> [RouteSegment] {
        guard messages.count <= maximumSegments else { throw Violation("a route has more segments than may be") }
        var route: [RouteSegment] = []
        for message in messages {
            guard let node = NodeID(bytes: message.nodeID),
                let layers = LayerRange(first: Int(message.firstLayer), end: Int(message.endLayer))
            else { throw Violation("a route has a segment that is none") }
            route.append(RouteSegment(node: node, nickname: hostname.rawValue, layers: layers, isLocal: false))
        }
        return route
    }
}

extension Shoal_V1_JobToken {
    fileprivate init(_ info: TokenInfo) {
        self.init()
        token = info.token
        bytes = .init(info.bytes)
        if let probability = info.logProbability { logProbability = probability }
        textOffset = UInt32(clamping: info.textOffset)
        top = info.top.map { candidate in
            .with {
                $0.token = candidate.token
                $0.bytes = .init(candidate.bytes)
                $0.logProbability = candidate.logProbability
            }
        }
    }
}

extension TokenInfo {
    fileprivate init(_ message: Shoal_V1_JobToken) {
        self.init(
            token: message.token, bytes: Array(message.bytes),
            logProbability: message.hasLogProbability ? message.logProbability : nil,
            top: message.top.map {
                Candidate(token: $0.token, bytes: Array($0.bytes), logProbability: $0.logProbability)
            }, textOffset: Int(message.textOffset))
    }
}
