/// A set of Unicode scalars, as ranges of their numbers in ascending order that neither meet nor overlap.
struct CharacterSet: Hashable {
    private(set) var ranges: [ClosedRange<UInt32>]

    static let none = CharacterSet([])
    /// Every scalar: surrogates are none.
    static let all = CharacterSet([0...0xD7FF, 0xE000...0x10FFFF])

    init(_ ranges: [ClosedRange<UInt32>]) {
        self.ranges = []
        for range in ranges.sorted(by: { $0.lowerBound < $1.lowerBound }) {
            if let last = self.ranges.last,
                range.lowerBound <= last.upperBound || range.lowerBound == last.upperBound + 1
            {
                self.ranges[self.ranges.count - 1] = last.lowerBound...max(last.upperBound, range.upperBound)
            } else {
                self.ranges.append(range)
            }
        }
    }

    init(_ scalar: Unicode.Scalar) { ranges = [scalar.value...scalar.value] }

    init(characters: String) { self.init(characters.unicodeScalars.map { $0.value...$0.value }) }

    var isEmpty: Bool { ranges.isEmpty }

    /// The only scalar, where there is just one.
    var single: Unicode.Scalar? {
        guard ranges.count == 1, ranges[0].count == 1 else { return nil }
        return Unicode.Scalar(ranges[0].lowerBound)
    }

    func contains(_ scalar: Unicode.Scalar) -> Bool {
        var (low, high) = (0, ranges.count)
        while low < high {
            let middle = (low + high) / 2
            if ranges[middle].upperBound < scalar.value { low = middle + 1 } else { high = middle }
        }
        return low < ranges.count && ranges[low].contains(scalar.value)
    }

    var complement: CharacterSet {
        var result: [ClosedRange<UInt32>] = []
        var next: UInt32 = 0
        for range in ranges + [0x110000...0x110000] {
            if range.lowerBound > next { result.append(next...(range.lowerBound - 1)) }
            next = range.upperBound + 1
        }
        return CharacterSet(result).intersection(.all)
    }

    func union(_ other: CharacterSet) -> CharacterSet { CharacterSet(ranges + other.ranges) }

    func intersection(_ other: CharacterSet) -> CharacterSet {
        var result: [ClosedRange<UInt32>] = []
        var (ours, theirs) = (0, 0)
        while ours < ranges.count, theirs < other.ranges.count {
            let (left, right) = (ranges[ours], other.ranges[theirs])
            let (low, high) = (max(left.lowerBound, right.lowerBound), min(left.upperBound, right.upperBound))
            if low <= high { result.append(low...high) }
            if left.upperBound < right.upperBound { ours += 1 } else { theirs += 1 }
        }
        // A copy of the sorted ranges needs no sorting.
        var set = CharacterSet.none
        set.ranges = result
        return set
    }

    func subtracting(_ other: CharacterSet) -> CharacterSet { intersection(other.complement) }

    // MARK: - Inside of JSON strings

    /// Characters that stand in a JSON string as they are. U+007F could, but is no text either.
    static let plain = CharacterSet([0...0x1F, 0x22...0x22, 0x5C...0x5C, 0x7F...0x7F]).complement

    private static let shortEscapes: [(UInt32, String)] = [
        (0x22, "\\\""), (0x5C, "\\\\"), (0x08, "\\b"), (0x09, "\\t"), (0x0A, "\\n"), (0x0C, "\\f"), (0x0D, "\\r"),
    ]

    /// One of the characters, in the one way in which a string is meant to write it.
    var inString: GrammarExpression {
        var options: [GrammarExpression] = []
        let plain = intersection(.plain)
        if !plain.isEmpty { options.append(.characters(plain)) }
        for scalar in subtracting(.plain).ranges.joined() {
            options.append(.literal(CharacterSet.spelled(Unicode.Scalar(scalar) ?? " ")))
        }
        return .oneOf(options)
    }

    /// A character as ``inString`` writes it.
    static func spelled(_ scalar: Unicode.Scalar) -> String {
        if let short = shortEscapes.first(where: { $0.0 == scalar.value }) { return short.1 }
        if CharacterSet.plain.contains(scalar) { return String(scalar) }
        let digits = String(scalar.value, radix: 16)
        return "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
    }

    /// Appends the set as a class of GBNF, negated where that is shorter.
    func write(to text: inout String) {
        // Surrogates are no scalars, so that it makes no difference on which side they are.
        let outside = CharacterSet(ranges + [0xD800...0xDFFF]).complement
        let isNegated = outside.ranges.count < ranges.count
        let written = isNegated ? outside : self
        text += GrammarRules.characterClass(
            written.ranges.compactMap { range in
                guard let low = Unicode.Scalar(range.lowerBound), let high = Unicode.Scalar(range.upperBound) else {
                    return nil
                }
                return low...high
            }, isNegated: isNegated)
    }
}
