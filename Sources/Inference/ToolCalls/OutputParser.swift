import ChatTemplate

/// Takes an answer apart while it streams: reasoning, text and tool calls.
///
/// Text that may be the beginning of a marker is held back until it is decided. A tool call comes out whole, once its JSON is
/// complete and valid; what only looks like a call comes out as text. However the answer is cut into pieces, the results are the
/// same when put together.
///
///     var parser = OutputParser(toolCalls: .hermes, reasoning: .think, startsInReasoning: false)
///     for text in stream { handle(parser.consume(text)) }
///     handle(parser.finish())
package struct OutputParser: Sendable {
    private let format: ToolCallFormat
    private let reasoning: ReasoningFormat?
    /// The tools that may be called; calls of others stay text where only their form tells calls from text.
    private let toolNames: Set<String>?
    private let identifiers: ToolCallIdentifiers
    private var state: State
    /// What was consumed and is not decided yet.
    private var pending: [Unicode.Scalar] = []
    /// White space that comes out if more text follows it.
    private var heldSpace = ""
    /// Whether only white space came since the beginning, or since reasoning or a call ended.
    private var isAtStart = true
    private var callCount = 0
    /// How much of what is pending was looked at as a call already.
    private var examined = 0

    private enum State: Sendable {
        /// Nothing but white space came yet.
        case beginning
        case reasoning
        case text
        /// After the marker of a call; `marker` is what comes out if it turns out to be none.
        case call(marker: String)
    }

    /// The longest text that is held back for a tool call, in characters.
    private static let longestCall = 1 << 20

    /// - Parameters:
    ///   - toolCalls: How the model writes calls; `.none` leaves them in the text, as for requests without tools.
    ///   - reasoning: How the model marks reasoning; `nil` leaves it in the text.
    ///   - startsInReasoning: Whether the prompt ended inside of reasoning.
    package init(
        toolCalls: ToolCallFormat, reasoning: ReasoningFormat? = nil, startsInReasoning: Bool = false,
        toolNames: Set<String>? = nil, identifiers: ToolCallIdentifiers = ToolCallIdentifiers()
    ) {
        format = toolCalls
        self.reasoning = reasoning
        self.toolNames = toolNames
        self.identifiers = identifiers
        state = startsInReasoning && reasoning != nil ? .reasoning : .beginning
    }

    /// Whether the answer has at least one tool call so far.
    package var hasToolCalls: Bool { callCount > 0 }

    /// Takes more of the answer, and returns what is decided.
    package mutating func consume(_ text: String) -> [OutputPiece] {
        pending += text.unicodeScalars
        return drain(isComplete: false)
    }

    /// The answer has ended: returns what was held back.
    package mutating func finish() -> [OutputPiece] { drain(isComplete: true) }

    // MARK: - States

    private mutating func drain(isComplete: Bool) -> [OutputPiece] {
        var pieces: [OutputPiece] = []
        while step(isComplete, &pieces) {}
        return pieces
    }

    /// Decides the next part of what is pending; `false` when that needs more text, or there is none.
    private mutating func step(_ isComplete: Bool, _ pieces: inout [OutputPiece]) -> Bool {
        switch state {
        case .beginning: begin(isComplete)
        case .reasoning: stepReasoning(isComplete, &pieces)
        case .text: stepText(isComplete, &pieces)
        case .call(let marker): stepCall(marker, isComplete, &pieces)
        }
    }

    /// Looks at what the answer begins with: reasoning does so, after white space at most.
    private mutating func begin(_ isComplete: Bool) -> Bool {
        guard let reasoning else {
            state = .text
            return true
        }
        let space = pending.prefix { $0.properties.isWhitespace }.count
        let start = Array(reasoning.start.unicodeScalars)
        switch match(start, at: space) {
        case .whole:
            pending.removeFirst(space + start.count)
            state = .reasoning
            return true
        case .partial where !isComplete: return false
        default:
            state = .text
            return true
        }
    }

    private mutating func stepReasoning(_ isComplete: Bool, _ pieces: inout [OutputPiece]) -> Bool {
        let end = Array((reasoning?.end ?? "").unicodeScalars)
        guard let found = firstMatch(of: [end], isComplete: isComplete) else {
            let rest = take(pending.count)
            emit(rest, reasoning: true, &pieces)
            return false
        }
        let before = take(found.position)
        emit(before, reasoning: true, &pieces)
        guard found.isWhole else { return false }
        pending.removeFirst(end.count)
        heldSpace = ""
        isAtStart = true
        state = .text
        return true
    }

    private mutating func stepText(_ isComplete: Bool, _ pieces: inout [OutputPiece]) -> Bool {
        if format == .llama, isAtStart {
            // The whole answer may be a call: it begins with a brace, after white space at most.
            let space = pending.prefix { $0.properties.isWhitespace || (callCount > 0 && $0 == ";") }.count
            if space < pending.count, pending[space] == "{" {
                let skipped = take(space)
                state = .call(marker: skipped)
                return true
            }
            if space == pending.count, !isComplete { return false }
        }
        let marker = format.marker.map { [Array($0.unicodeScalars)] } ?? []
        guard let found = firstMatch(of: marker, isComplete: isComplete) else {
            let rest = take(pending.count)
            emit(rest, reasoning: false, &pieces)
            if isComplete { flushSpace(&pieces) }
            return false
        }
        let before = take(found.position)
        emit(before, reasoning: false, &pieces)
        guard found.isWhole else { return false }
        let text = take(marker[0].count)
        state = .call(marker: text)
        return true
    }

    private mutating func stepCall(
        _ marker: String, _ isComplete: Bool, _ pieces: inout [OutputPiece]
    ) -> Bool {
        // A call ends in a bracket; long ones are looked at again only when one came.
        let news = pending[min(examined, pending.count)...]
        if !isComplete, pending.count > 256, !news.contains(where: { ["}", "]", ">"].contains($0) }) { return false }
        examined = pending.count
        let form: ToolCallReader.Form = format == .llama && !marker.hasSuffix(">") ? .bareObject : .marked(format)
        switch ToolCallReader(form: form, toolNames: toolNames).read(pending, isComplete: isComplete) {
        case .incomplete where pending.count <= OutputParser.longestCall: return false
        case .calls(let calls, let length):
            pending.removeFirst(length)
            heldSpace = ""
            isAtStart = true
            for call in calls {
                let id = call.id ?? identifiers.make(for: format)
                pieces.append(
                    .toolCall(
                        ToolCallDelta(index: callCount, id: id, name: call.name, argumentsFragment: call.arguments)))
                callCount += 1
            }
        case .incomplete, .none:
            // No call: the marker is text, and what follows it is looked at again.
            emit(marker, reasoning: false, &pieces)
            if marker.allSatisfy({ $0.isWhitespace || $0 == ";" }) {
                let brace = take(1)
                emit(brace, reasoning: false, &pieces)
            }
        }
        examined = 0
        state = .text
        return true
    }

    // MARK: - Output

    private mutating func take(_ count: Int) -> String {
        var text = String.UnicodeScalarView()
        text.append(contentsOf: pending[..<count])
        pending.removeFirst(count)
        return String(text)
    }

    /// Puts out text without white space at its start and end; in the middle it comes with the text that follows it.
    ///
    /// At the beginning of an answer without reasoning white space is the model's own and stays.
    private mutating func emit(_ text: String, reasoning isReasoning: Bool, _ pieces: inout [OutputPiece]) {
        guard !text.isEmpty else { return }
        let dropsSpace = isAtStart && (isReasoning || reasoning != nil || callCount > 0)
        var held = heldSpace
        heldSpace = ""
        var scalars = text.unicodeScalars[...]
        if dropsSpace {
            held = ""
            scalars = scalars.drop(while: \.properties.isWhitespace)
        }
        var end = scalars.endIndex
        while end > scalars.startIndex, scalars[scalars.index(before: end)].properties.isWhitespace {
            end = scalars.index(before: end)
        }
        let body = String(scalars[..<end])
        let space = String(scalars[end...])
        if body.isEmpty {
            heldSpace = held + space
            return
        }
        isAtStart = false
        heldSpace = space
        append(held + body, isReasoning, &pieces)
    }

    private mutating func flushSpace(_ pieces: inout [OutputPiece]) {
        if !heldSpace.isEmpty, callCount == 0 { append(heldSpace, false, &pieces) }
        heldSpace = ""
    }

    private func append(_ text: String, _ isReasoning: Bool, _ pieces: inout [OutputPiece]) {
        switch pieces.last {
        case .text(let before) where !isReasoning: pieces[pieces.count - 1] = .text(before + text)
        case .reasoning(let before) where isReasoning: pieces[pieces.count - 1] = .reasoning(before + text)
        default: pieces.append(isReasoning ? .reasoning(text) : .text(text))
        }
    }

    // MARK: - Markers

    private enum Match {
        case whole
        /// What is pending ends before the marker does.
        case partial
        case none
    }

    private func match(_ marker: [Unicode.Scalar], at position: Int) -> Match {
        var index = 0
        while index < marker.count, position + index < pending.count {
            guard pending[position + index] == marker[index] else { return .none }
            index += 1
        }
        return index == marker.count ? .whole : .partial
    }

    /// The first place where a marker stands, or may stand once more text comes.
    private func firstMatch(
        of markers: [[Unicode.Scalar]], isComplete: Bool
    ) -> (position: Int, isWhole: Bool)? {
        guard !markers.isEmpty else { return nil }
        for position in pending.indices {
            for marker in markers where pending[position] == marker.first {
                switch match(marker, at: position) {
                case .whole: return (position, true)
                case .partial where !isComplete: return (position, false)
                default: break
                }
            }
        }
        return nil
    }
}
