import Generation
import Inference

/// What a client has been given of an answer, so that another worker can go on where the first was lost: it makes the same answer
/// anew, and what is known of it is compared and passed over.
struct DeliveredAnswer: Sendable {
    /// The second answer is not the first one.
    struct Divergence: Error {}

    /// What a stretch of bytes is, as a symbol among them.
    private enum Mark {
        static let text: UInt32 = 0x100
        static let reasoning: UInt32 = 0x101
        static let endOfName: UInt32 = 0x102
        static func toolCall(_ index: Int) -> UInt32 { 0x1000 + UInt32(clamping: index) }
    }

    /// Everything in the order that it was delivered: bytes, and before each stretch of one kind its mark. However an answer is
    /// cut into events, its symbols are the same.
    private var symbols: [UInt32] = []
    private var tokens: [Int32] = []
    /// Ids of tool calls, by index: a second answer has others.
    private var callIDs: [Int: String] = [:]
    // How far the present answer has come.
    private var position = 0
    private var token = 0
    private var mark: UInt32 = 0

    /// Whether nothing was delivered yet.
    var isEmpty: Bool { symbols.isEmpty && tokens.isEmpty }

    /// An answer begins anew.
    mutating func restart() {
        (position, token, mark) = (0, 0, 0)
    }

    /// Takes the next event of the present answer.
    ///
    /// - Returns: what of it the client does not have yet; nil for nothing.
    /// - Throws: `Divergence` when the client has something else.
    mutating func take(_ event: GenerationEvent) throws(Divergence) -> GenerationEvent? {
        switch event {
        case .text(let text, let infos):
            let rest = text.isEmpty ? [] : try pass(Mark.text, text.utf8)
            let new = try pass(infos)
            return rest.isEmpty && new.isEmpty ? nil : .text(String(decoding: rest, as: UTF8.self), new)
        case .reasoning(let text):
            let rest = text.isEmpty ? [] : try pass(Mark.reasoning, text.utf8)
            return rest.isEmpty ? nil : .reasoning(String(decoding: rest, as: UTF8.self))
        case .toolCall(let delta):
            return try pass(delta).map { .toolCall($0) }
        case .finished:
            guard position == symbols.count, token == tokens.count else { throw Divergence() }
            return event
        case .started, .rerouted:
            return event
        }
    }

    private mutating func pass(_ infos: [TokenInfo]) throws(Divergence) -> [TokenInfo] {
        let known = min(infos.count, tokens.count - token)
        for index in 0..<known where tokens[token + index] != infos[index].token { throw Divergence() }
        let new = Array(infos.dropFirst(known))
        tokens += new.map(\.token)
        token += infos.count
        return new
    }

    private mutating func pass(_ delta: ToolCallDelta) throws(Divergence) -> ToolCallDelta? {
        let id = callIDs[delta.index] ?? delta.id
        callIDs[delta.index] = id
        var hasNewName = false
        if let name = delta.name {
            let wasKnown = position < symbols.count
            _ = try pass(Mark.toolCall(delta.index), name.utf8)
            try pass(Mark.endOfName)
            hasNewName = !wasKnown
        }
        let rest =
            delta.argumentsFragment.isEmpty ? [] : try pass(Mark.toolCall(delta.index), delta.argumentsFragment.utf8)
        guard hasNewName || !rest.isEmpty else { return nil }
        return ToolCallDelta(
            index: delta.index, id: id, name: hasNewName ? delta.name : nil,
            argumentsFragment: String(decoding: rest, as: UTF8.self))
    }

    /// - Returns: the bytes that are new.
    private mutating func pass(_ mark: UInt32, _ bytes: some Sequence<UInt8>) throws(Divergence) -> [UInt8] {
        if mark != self.mark { try pass(mark) }
        self.mark = mark
        var new: [UInt8] = []
        for byte in bytes where try pass(UInt32(byte)) { new.append(byte) }
        return new
    }

    /// - Returns: whether the symbol is new.
    @discardableResult
    private mutating func pass(_ symbol: UInt32) throws(Divergence) -> Bool {
        defer { position += 1 }
        guard position < symbols.count else {
            symbols.append(symbol)
            return true
        }
        guard symbols[position] == symbol else { throw Divergence() }
        return false
    }
}
