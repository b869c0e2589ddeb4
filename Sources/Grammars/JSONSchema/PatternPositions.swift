/// The characters of a regular expression with its repetitions written out, and which may follow which (Glushkov's construction).
struct PatternPositions {
    private(set) var characters: [CharacterSet] = []
    private(set) var following: [[Int]] = []
    private(set) var first: [Int] = []
    private(set) var last: [Int] = []
    private(set) var allowsNothing = false

    /// The most characters, and the most pairs that follow each other.
    private static let mostPositions = 600
    private static let mostPairs = 20_000

    private var pairCount = 0

    /// What a part of the expression may begin and end with.
    private struct Part {
        var first: [Int] = []
        var last: [Int] = []
        var allowsNothing = true
    }

    /// `nil` if the expression is too large.
    init?(_ node: PatternNode) {
        guard node.positionCount <= PatternPositions.mostPositions else { return nil }
        guard let whole = add(node) else { return nil }
        (first, last, allowsNothing) = (whole.first, whole.last, whole.allowsNothing)
    }

    private mutating func add(_ node: PatternNode) -> Part? {
        switch node {
        case .characters(let set):
            characters.append(set)
            following.append([])
            return Part(first: [characters.count - 1], last: [characters.count - 1], allowsNothing: false)
        case .sequence(let nodes):
            var whole = Part()
            for node in nodes {
                guard let part = add(node), append(part, to: &whole) else { return nil }
            }
            return whole
        case .alternatives(let nodes):
            var whole = Part(allowsNothing: false)
            for node in nodes {
                guard let part = add(node) else { return nil }
                whole.first += part.first
                whole.last += part.last
                whole.allowsNothing = whole.allowsNothing || part.allowsNothing
            }
            return whole
        case .repeated(let node, let minimum, let maximum): return add(node, minimum, maximum)
        }
    }

    private mutating func append(_ part: Part, to whole: inout Part) -> Bool {
        guard link(whole.last, part.first) else { return false }
        if whole.allowsNothing { whole.first += part.first }
        whole.last = part.allowsNothing ? whole.last + part.last : part.last
        whole.allowsNothing = whole.allowsNothing && part.allowsNothing
        return true
    }

    /// Copies one after the other, with a way out after each that need not be followed by another.
    private mutating func add(_ node: PatternNode, _ minimum: Int, _ maximum: Int?) -> Part? {
        var whole = Part()
        var ends: [Int] = []
        let count = max(1, maximum ?? minimum)
        guard maximum != 0 else { return whole }
        for copy in 1...count {
            guard let part = add(node) else { return nil }
            guard append(part, to: &whole) else { return nil }
            if copy >= minimum { ends += part.last }
            if copy == count, maximum == nil, !link(part.last, part.first) { return nil }
        }
        if minimum == 0 { whole.allowsNothing = true }
        whole.last = ends + (minimum > 0 ? whole.last : [])
        whole.last = Array(Set(whole.last)).sorted()
        return whole
    }

    private mutating func link(_ ends: [Int], _ starts: [Int]) -> Bool {
        pairCount += ends.count * starts.count
        guard pairCount <= PatternPositions.mostPairs else { return false }
        for end in ends {
            let known = Set(following[end])
            following[end] += starts.filter { !known.contains($0) }
        }
        return true
    }

    /// Whether every text can be read in one way only, looking at one character at a time.
    var isDeterministic: Bool { ([first] + following).allSatisfy(areApart) }

    private func areApart(_ positions: [Int]) -> Bool {
        let ranges = Set(positions).flatMap { characters[$0].ranges }.sorted { $0.lowerBound < $1.lowerBound }
        return zip(ranges, ranges.dropFirst()).allSatisfy { $0.upperBound < $1.lowerBound }
    }
}
