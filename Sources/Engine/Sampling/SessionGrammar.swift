internal import CEngine

/// What a session's answer is held to, and whether that holds already.
///
/// Confined to the thread that computes the session's window. All that libllama throws comes out as ``EngineError`` with code
/// `badGrammar`.
final class SessionGrammar {
    private let text: String
    private let start: GrammarStart
    private let vocabulary: Vocabulary
    private var sampler: UnsafeMutablePointer<llama_sampler>
    /// What is waited for; nil once the grammar holds.
    private var trigger: GrammarTrigger?
    /// The last tokens and how many bytes each has, as many as a trigger may reach back.
    private var lately: [(token: Int32, byteCount: Int)] = []
    private let reach: Int

    init(_ text: String, start: GrammarStart, vocabulary: Vocabulary) throws {
        try GrammarBounds.check(text)
        self.text = text
        self.start = start
        self.vocabulary = vocabulary
        sampler = try Self.make(text, start, vocabulary)
        reach = start.triggers.map(\.utf8.count).max() ?? 0
        guard start.triggers.isEmpty else {
            trigger = GrammarTrigger(
                triggers: start.triggers, reasoningStart: start.reasoningStart, reasoningEnds: start.reasoningEnds,
                startsInReasoning: start.startsInReasoning)
            return
        }
        for token in start.prefix { try accept(token) }
    }

    deinit { llama_sampler_free(sampler) }

    /// Whether the grammar decides about the next token.
    var holds: Bool { trigger == nil }

    /// Takes note of a token of the answer. Where it throws, nothing has changed as long as ``holds`` was false.
    func accept(_ token: Int32) throws(EngineError) {
        guard var trigger else {
            // The end is no part of what the grammar describes.
            if !vocabulary.isEndOfGeneration(token) { try feed(token) }
            return
        }
        let bytes = vocabulary.bytes(of: token, special: true)
        let before = lately
        lately.append((token, bytes.count))
        guard let length = trigger.take(bytes) else {
            self.trigger = trigger
            forget()
            return
        }
        // Those tokens alone that hold the trigger's bytes: libllama looks for it with a regular expression.
        var covered = 0
        let first = lately.indices.reversed().first { index in
            covered += lately[index].byteCount
            return covered >= length
        }
        do throws(EngineError) {
            for entry in lately[(first ?? lately.startIndex)...] { try feed(entry.token) }
        } catch {
            lately = before
            let fresh = try Self.make(text, start, vocabulary)
            llama_sampler_free(sampler)
            sampler = fresh
            throw error
        }
        self.trigger = nil
        lately = []
    }

    /// Whether the grammar goes on with a token.
    func allows(_ token: Int32) throws(EngineError) -> Bool {
        var single = llama_token_data(id: token, logit: 1, p: 0)
        var failure: EngineError?
        withUnsafeMutablePointer(to: &single) { data in
            var array = llama_token_data_array(data: data, size: 1, selected: -1, sorted: false)
            do throws(EngineError) { try apply(&array) } catch { failure = error }
        }
        if let failure { throw failure }
        return single.logit > -.infinity
    }

    /// Whether the answer may end here.
    func isComplete() throws(EngineError) -> Bool {
        guard holds else { return true }
        guard let end = vocabulary.endOfGenerationTokens.first else { return false }
        return try allows(end)
    }

    /// Takes the chances of all tokens that break the grammar.
    func apply(_ candidates: inout llama_token_data_array) throws(EngineError) {
        guard holds else { return }
        var reason = shoal_reason()
        let outcome = shoal_sampler_apply(sampler, &candidates, &reason)
        guard outcome == SHOAL_DONE else { throw Self.error(reason) }
    }

    private func feed(_ token: Int32) throws(EngineError) {
        var reason = shoal_reason()
        let outcome = shoal_sampler_accept(sampler, token, &reason)
        guard outcome == SHOAL_DONE else { throw Self.error(reason) }
    }

    private func forget() {
        var bytes = lately.reduce(0) { $0 + $1.byteCount }
        while let first = lately.first, bytes - first.byteCount >= reach {
            bytes -= first.byteCount
            lately.removeFirst()
        }
    }

    private static func make(
        _ text: String, _ start: GrammarStart, _ vocabulary: Vocabulary
    ) throws(EngineError) -> UnsafeMutablePointer<llama_sampler> {
        var reason = shoal_reason()
        var made: UnsafeMutablePointer<llama_sampler>?
        let outcome = withCStrings(start.triggers) { triggers in
            vocabulary.withPointer { shoal_grammar_init($0, text, triggers, triggers.count, &made, &reason) }
        }
        guard outcome == SHOAL_DONE else { throw error(reason) }
        guard let made else {
            throw EngineError(.badGrammar, "the grammar does not parse: it needs a rule named root, in GBNF")
        }
        return made
    }

    private static func error(_ reason: shoal_reason) -> EngineError {
        let text = withUnsafeBytes(of: reason.text) { bytes in
            String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
        }
        return EngineError(.badGrammar, "the grammar cannot be followed: \(text)")
    }
}
