import ShoalTestSupport

/// Writes texts that a grammar accepts, the same ones for the same seed.
struct GrammarSampler {
    private typealias Node = GrammarMatcher.Node

    private let rules: [String: Node]
    /// How many rules a text of each rule leads through at least.
    private var depths: [String: Int] = [:]
    private var random: SeededRandom
    private var text = String.UnicodeScalarView()
    /// Rules that were entered for this text.
    private var steps = 0
    /// After so many every text is brought to an end.
    private static let mostSteps = 2000

    init(_ matcher: GrammarMatcher, seed: UInt64) {
        rules = matcher.rules
        random = SeededRandom(seed: seed)
        var hasChanged = true
        while hasChanged {
            hasChanged = false
            for (name, node) in rules {
                guard let depth = depth(node).map({ $0 + 1 }), depth < depths[name] ?? .max else { continue }
                depths[name] = depth
                hasChanged = true
            }
        }
    }

    /// One more text; `depth` rules inside of each other are entered before it is brought to an end.
    mutating func next(depth: Int) -> String {
        text = String.UnicodeScalarView()
        steps = 0
        write(.rule("root"), depth: depth)
        return String(text)
    }

    private func depth(_ node: Node) -> Int? {
        switch node {
        case .literal, .characters: return 0
        case .rule(let name): return depths[name]
        case .sequence(let nodes):
            var deepest = 0
            for node in nodes {
                guard let depth = depth(node) else { return nil }
                deepest = max(deepest, depth)
            }
            return deepest
        case .alternatives(let nodes): return nodes.compactMap { self.depth($0) }.min()
        case .repetition(let node, let minimum, _): return minimum == 0 ? 0 : depth(node)
        }
    }

    private mutating func write(_ node: Node, depth left: Int) {
        switch node {
        case .literal(let scalars): text.append(contentsOf: scalars)
        case .characters(let ranges, let isNegated): text.append(character(ranges, isNegated: isNegated))
        case .rule(let name):
            steps += 1
            if let body = rules[name] { write(body, depth: steps > GrammarSampler.mostSteps ? 0 : left - 1) }
        case .sequence(let nodes): for node in nodes { write(node, depth: left) }
        case .alternatives(let nodes):
            let possible = nodes.filter { depth($0) != nil }
            var usable = possible.filter { depth($0) ?? .max <= left }
            if usable.isEmpty {
                let least = possible.compactMap { depth($0) }.min()
                usable = possible.filter { depth($0) == least }
            }
            if let chosen = usable.randomElement(using: &random) { write(chosen, depth: left) }
        case .repetition(let node, let minimum, let maximum):
            var count = minimum
            let needed = depth(node) ?? .max
            if needed <= left {
                while count < maximum ?? .max, count < minimum + 12, Int.random(in: 0..<3, using: &random) > 0 {
                    count += 1
                }
                // The ends are where mistakes are.
                if let maximum, maximum <= 60, Int.random(in: 0..<4, using: &random) == 0, needed <= 3 {
                    count = maximum
                }
            }
            for _ in 0..<count { write(node, depth: left) }
        }
    }

    private mutating func character(_ ranges: [ClosedRange<UInt32>], isNegated: Bool) -> Unicode.Scalar {
        if isNegated {
            let usual = Array(
                "abcxyzABZ 019-_.:/@,;{}[]'\u{E9}\u{DF}\u{301}\u{4E2D}\u{1F600}\u{2028}\u{FFFD}\u{10FFFF}"
                    .unicodeScalars)
            let allowed = usual.filter { scalar in !ranges.contains { $0.contains(scalar.value) } }
            return allowed.randomElement(using: &random) ?? "\u{100}"
        }
        for _ in 0..<100 {
            guard let range = ranges.randomElement(using: &random) else { break }
            let ends = [range.lowerBound, range.upperBound, UInt32.random(in: range, using: &random)]
            if let scalar = Unicode.Scalar(ends[Int.random(in: 0..<3, using: &random)]) { return scalar }
        }
        return "\u{FFFD}"
    }
}
