internal import Engine
internal import Foundation
internal import Generation
internal import Identifiers
internal import Link
internal import SwiftProtobuf

// Between the engine's types and the wire's.

extension SessionRequest {
    /// Throws ``EngineError`` that names what does not hold.
    init(_ message: Shoal_V1_OpenSession) throws {
        guard let id = SessionID(message.sessionID) else {
            throw EngineError(.badRequest, "a session id has 16 bytes, this one \(message.sessionID.count)")
        }
        guard message.producedTokens <= message.prompt.count else {
            throw EngineError(.badRequest, "produced_tokens is longer than the prompt")
        }
        guard let adapters = AdapterSet(message.adapters) else {
            throw EngineError(.badRequest, "the session's adapters are none, or too many")
        }
        self.init(
            id: id, caller: message.caller, prompt: message.prompt, cachePrompt: message.cachePrompt,
            adapters: adapters,
            sampler: SamplerOptions(message.sampling, ignoresEndOfGeneration: message.ignoreEndOfGeneration),
            maximumTokens: Int(message.maximumTokens), producedTokens: Int(message.producedTokens),
            promptLogProbabilities: message.promptLogProbabilities)
    }
}

extension SamplerOptions {
    init(_ message: Shoal_V1_Sampling, ignoresEndOfGeneration: Bool) {
        self.init()
        sampling = Sampling(message)
        grammar = message.grammar
        grammarStart = GrammarStart(message.grammarStart)
        topLogProbabilities = message.topLogProbabilities < 0 ? nil : Int(message.topLogProbabilities)
        minimumTokens = Int(message.minimumTokens)
        self.ignoresEndOfGeneration = ignoresEndOfGeneration
    }
}

extension GrammarStart {
    init(_ message: Shoal_V1_AnswerGrammar) {
        self.init()
        triggers = message.triggers
        prefix = message.prefix
        reasoningStart = message.reasoningStart
        reasoningEnds = message.reasoningEnds
        startsInReasoning = message.startsInReasoning
    }
}

extension Shoal_V1_SessionEvent {
    init(_ event: SessionEvent, vocabulary: Vocabulary) {
        self.init()
        switch event {
        case .opened(let reusable):
            opened = .with { $0.reusableTokens = UInt32(reusable) }
        case .prompt(let processed, let probabilities):
            prompt = .with {
                $0.processedTokens = UInt32(processed)
                $0.logProbabilities = probabilities.map { Shoal_V1_TokenLogProbability($0, vocabulary: vocabulary) }
            }
        case .token(let sampled, let bytes, let ends):
            token = .with {
                $0.token = sampled.token
                $0.piece = Data(bytes)
                $0.logProbability = sampled.logProbability ?? 0
                $0.top = sampled.top.map { Shoal_V1_TokenLogProbability($0, vocabulary: vocabulary) }
                $0.endOfGeneration = ends
            }
        case .finished(let summary):
            finished = Shoal_V1_SessionFinished(summary)
        case .failed(let error):
            failure = Shoal_V1_SessionFailure(error)
        }
    }
}

extension Shoal_V1_TokenLogProbability {
    init(_ token: PromptToken, vocabulary: Vocabulary) {
        self.init()
        self.token = token.token
        piece = Data(vocabulary.bytes(of: token.token, special: true))
        hasValue_p = token.logProbability != nil
        logProbability = token.logProbability ?? 0
        top = token.top.map { Shoal_V1_TokenLogProbability($0, vocabulary: vocabulary) }
    }

    init(_ ranked: RankedToken, vocabulary: Vocabulary) {
        self.init()
        token = ranked.token
        piece = Data(vocabulary.bytes(of: ranked.token, special: true))
        hasValue_p = true
        logProbability = ranked.logProbability
    }
}

extension Shoal_V1_SessionFinished {
    init(_ summary: SessionSummary) {
        self.init()
        reason =
            switch summary.reason {
            case .endOfGeneration: .stop
            case .maximumTokens: .length
            case .contextFull: .contextFull
            }
        promptTokens = UInt32(summary.promptTokens)
        reusedTokens = UInt32(summary.reusedTokens)
        producedTokens = UInt32(summary.producedTokens)
        promptMilliseconds = summary.promptDuration / .milliseconds(1)
        decodeMilliseconds = summary.decodeDuration / .milliseconds(1)
    }
}

extension Shoal_V1_SessionFailure {
    init(_ error: EngineError, nodeID: Data = Data()) {
        self.init()
        message = error.message
        self.nodeID = nodeID
        code =
            switch error.code {
            case .contextFull: .failureContextFull
            case .badGrammar: .failureBadGrammar
            case .badRequest, .unsupported: .failureBadRequest
            case .busy: .failureBusy
            case .windowUnloaded: .failureWindowUnloaded
            default: .failureCompute
            }
    }
}

extension HiddenStates {
    /// `nil` when the session id is not one.
    init?(_ message: Shoal_V1_HiddenStates) {
        guard let id = SessionID(message.sessionID), message.tokenCount == message.tokens.count else { return nil }
        self.init(session: id, position: Int(message.position), tokens: message.tokens, data: message.data)
    }
}

extension Shoal_V1_Frame {
    init(_ states: HiddenStates, firstLayer: Int) {
        self.init()
        hiddenStates = .with {
            $0.sessionID = Data(states.session.bytes)
            $0.position = UInt32(states.position)
            $0.tokenCount = UInt32(states.tokens.count)
            $0.tokens = states.tokens
            $0.data = states.data
            $0.firstLayer = UInt32(firstLayer)
        }
    }

    init(_ next: NextToken) {
        self.init()
        token = .with {
            $0.sessionID = Data(next.session.bytes)
            $0.position = UInt32(next.position)
            $0.token = next.token
        }
    }
}
