internal import Identifiers

/// Which sequences of a window's cache are free, in use, or kept because their tokens may come again.
///
/// A pure value. The caller carries out on the cache what the answers say.
struct SequenceTable {
    /// A finished session's cells, in case another prompt begins alike.
    struct KeptPrefix {
        let sequence: Int32
        let tokens: [Int32]
        let adapters: AdapterSet
        fileprivate var lastUse: UInt64
        fileprivate var pins: Int
    }

    private var free: [Int32]
    private(set) var kept: [KeptPrefix] = []
    private var clock: UInt64 = 0

    init(capacity: Int) {
        free = (0..<Int32(capacity)).reversed()
    }

    /// A sequence for a new session, and the kept one that has to be emptied first, if any. `nil`: all are in use.
    mutating func take() -> (sequence: Int32, evicted: Bool)? {
        if let sequence = free.popLast() { return (sequence, false) }
        return evict().map { ($0, true) }
    }

    /// Gives a sequence back, emptied.
    mutating func release(_ sequence: Int32) {
        free.append(sequence)
    }

    /// Takes the least recently used kept prefix out. The caller empties its cells; the sequence belongs to the caller.
    mutating func evict() -> Int32? {
        let candidates = kept.indices.filter { kept[$0].pins == 0 }
        guard let oldest = candidates.min(by: { kept[$0].lastUse < kept[$1].lastUse }) else { return nil }
        return kept.remove(at: oldest).sequence
    }

    /// Keeps a session's cells for later.
    ///
    /// - Returns: sequences that the caller empties and releases: prefixes that the new one makes needless, or the new
    ///   one itself when it brings nothing.
    mutating func keep(_ sequence: Int32, tokens: [Int32], adapters: AdapterSet) -> [Int32] {
        let alike = kept.filter { $0.adapters == adapters }
        guard !tokens.isEmpty, !alike.contains(where: { $0.tokens.starts(with: tokens) }) else { return [sequence] }
        let needless = alike.filter { $0.pins == 0 && tokens.starts(with: $0.tokens) }.map(\.sequence)
        kept.removeAll { needless.contains($0.sequence) }
        clock += 1
        kept.append(KeptPrefix(sequence: sequence, tokens: tokens, adapters: adapters, lastUse: clock, pins: 0))
        return needless
    }

    /// The kept prefix of the same adapters that shares most tokens with a prompt, pinned until ``unpin(_:)``.
    mutating func pinLongestPrefix(of prompt: [Int32], adapters: AdapterSet) -> (sequence: Int32, length: Int)? {
        let lengths = kept.map { kept in
            kept.adapters == adapters ? zip(kept.tokens, prompt).prefix { $0 == $1 }.count : 0
        }
        guard let best = kept.indices.max(by: { lengths[$0] < lengths[$1] }), lengths[best] > 0 else { return nil }
        clock += 1
        kept[best].lastUse = clock
        kept[best].pins += 1
        return (kept[best].sequence, lengths[best])
    }

    mutating func unpin(_ sequence: Int32) {
        guard let index = kept.firstIndex(where: { $0.sequence == sequence }) else { return }
        kept[index].pins -= 1
    }
}
