/// Finds in an answer the place from which on its grammar holds: the first of some texts, outside of reasoning.
///
/// A pure value that is fed the answer's bytes, control tokens written out. It keeps no more of them than the longest text has.
struct GrammarTrigger: Sendable, Equatable {
    /// Texts of the answer, as bytes.
    private let triggers: [[UInt8]]
    private let reasoningStart: [UInt8]
    private let reasoningEnds: [[UInt8]]
    private let longest: Int
    private(set) var isReasoning: Bool
    /// The last bytes, as many as a text may have begun with.
    private var tail: [UInt8] = []

    /// - Parameters:
    ///   - reasoningStart: What reasoning begins with; empty where nothing does.
    ///   - startsInReasoning: The prompt ends inside of it.
    init(triggers: [String], reasoningStart: String = "", reasoningEnds: [String] = [], startsInReasoning: Bool = false)
    {
        self.triggers = triggers.map { Array($0.utf8) }.filter { !$0.isEmpty }
        self.reasoningStart = Array(reasoningStart.utf8)
        self.reasoningEnds = reasoningEnds.map { Array($0.utf8) }.filter { !$0.isEmpty }
        // Reasoning that nothing ends would never let the grammar hold.
        isReasoning = startsInReasoning && !self.reasoningEnds.isEmpty
        longest = (self.triggers + self.reasoningEnds + [self.reasoningStart]).map(\.count).max() ?? 0
    }

    /// Takes the next bytes of the answer.
    ///
    /// - Returns: Where a text is complete, how many of the last bytes there are from its first byte on; it is of no use to go on then.
    mutating func take(_ bytes: some Collection<UInt8>) -> Int? {
        var taken = 0
        for byte in bytes {
            taken += 1
            if tail.count == longest { tail.removeFirst() }
            tail.append(byte)
            if isReasoning {
                guard let end = reasoningEnds.first(where: { tail.ends(with: $0) }) else { continue }
                isReasoning = false
                // What ends reasoning may be, or begin, what triggers the grammar; what came before may not.
                tail = end
            }
            if let trigger = triggers.first(where: { tail.ends(with: $0) }) {
                return trigger.count + bytes.count - taken
            }
            if !reasoningStart.isEmpty, !reasoningEnds.isEmpty, tail.ends(with: reasoningStart) {
                isReasoning = true
                tail = []
            }
        }
        return nil
    }
}

extension [UInt8] {
    fileprivate func ends(with other: [UInt8]) -> Bool {
        count >= other.count && suffix(other.count).elementsEqual(other)
    }
}
