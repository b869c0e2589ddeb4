/// What a pattern asks for that a grammar cannot give.
struct PatternError: Error {
    let message: String
}

/// A regular expression and where it stands.
struct PatternSource: Hashable {
    let keyword: String
    let text: String
    let place: Int

    // Equal expressions mean the same wherever they stand.
    static func == (left: PatternSource, right: PatternSource) -> Bool { left.text.utf8.elementsEqual(right.text.utf8) }
    func hash(into hasher: inout Hasher) { hasher.combine(text) }
}

/// A regular expression that was read: a text matches if a part of it matches one of the branches.
struct Pattern {
    struct Branch {
        var isAnchoredAtStart = false
        var isAnchoredAtEnd = false
        /// What the text has to begin with, or may not begin with, whatever the branch itself says.
        var lookaheads: [(pattern: Pattern, isNegative: Bool)] = []
        var node: PatternNode = .sequence([])

        /// The branch for a text as a whole.
        var whole: PatternNode {
            let any = PatternNode.repeated(.characters(.all), minimum: 0, maximum: nil)
            return .sequence((isAnchoredAtStart ? [] : [any]) + [node] + (isAnchoredAtEnd ? [] : [any]))
        }
    }

    var branches: [Branch]

    /// The pattern for a text as a whole, lookaheads aside.
    var whole: PatternNode { branches.count == 1 ? branches[0].whole : .alternatives(branches.map(\.whole)) }

    var hasLookaheads: Bool { branches.contains { !$0.lookaheads.isEmpty } }
}

/// A part of a regular expression.
indirect enum PatternNode {
    case characters(CharacterSet)
    case sequence([PatternNode])
    case alternatives([PatternNode])
    case repeated(PatternNode, minimum: Int, maximum: Int?)

    /// More than anybody means.
    private static let most = 1 << 40

    /// How many characters a matching text has; `nil` for no end.
    var lengths: (minimum: Int, maximum: Int?) {
        switch self {
        case .characters: return (1, 1)
        case .sequence(let nodes):
            return nodes.reduce((0, 0)) { sum, node in
                let lengths = node.lengths
                return (
                    min(PatternNode.most, sum.0 + lengths.minimum),
                    sum.1.flatMap { ours in lengths.maximum.map { min(PatternNode.most, ours + $0) } }
                )
            }
        case .alternatives(let nodes):
            let lengths = nodes.map(\.lengths)
            let maxima = lengths.compactMap(\.maximum)
            return (lengths.map(\.minimum).min() ?? 0, maxima.count == lengths.count ? maxima.max() : nil)
        case .repeated(let node, let minimum, let maximum):
            let lengths = node.lengths
            let longest: Int? =
                lengths.maximum == 0
                ? 0 : maximum.flatMap { count in lengths.maximum.map { min(PatternNode.most, $0 * count) } }
            return (min(PatternNode.most, lengths.minimum * minimum), longest)
        }
    }

    /// Whether a repetition contains one of variable length, so that a text might be divided among them in many ways.
    var nestsRepetitions: Bool {
        switch self {
        case .characters: return false
        case .sequence(let nodes), .alternatives(let nodes): return nodes.contains { $0.nestsRepetitions }
        case .repeated(let node, _, let maximum):
            if maximum ?? 2 <= 1 { return node.nestsRepetitions }
            let lengths = node.lengths
            return lengths.minimum != lengths.maximum || node.nestsRepetitions
        }
    }

    /// Whether a repetition repeats what may be nothing.
    var repeatsNothing: Bool {
        switch self {
        case .characters: return false
        case .sequence(let nodes), .alternatives(let nodes): return nodes.contains { $0.repeatsNothing }
        case .repeated(let node, _, let maximum):
            return (maximum ?? 2 > 1 && node.lengths.minimum == 0) || node.repeatsNothing
        }
    }

    /// How many characters the expression has once its repetitions are written out.
    var positionCount: Int {
        switch self {
        case .characters: return 1
        case .sequence(let nodes), .alternatives(let nodes):
            return nodes.reduce(0) { min(PatternNode.most, $0 + $1.positionCount) }
        case .repeated(let node, let minimum, let maximum):
            return min(PatternNode.most, node.positionCount * max(1, maximum ?? minimum))
        }
    }

    /// The expression with shorter repetitions, which can be read in several ways about where this one can.
    var shortened: PatternNode {
        switch self {
        case .characters: return self
        case .sequence(let nodes): return .sequence(nodes.map(\.shortened))
        case .alternatives(let nodes): return .alternatives(nodes.map(\.shortened))
        case .repeated(let node, let minimum, let maximum):
            let least = min(minimum, 2)
            return .repeated(
                node.shortened, minimum: least,
                maximum: maximum.map { $0 == minimum ? least : min($0, max(2, least + 1)) })
        }
    }

    /// The expression as it stands inside of a JSON string.
    func expression(in rules: inout GrammarRules, name: String) -> GrammarExpression {
        switch self {
        case .characters(let set): return set.inString
        case .alternatives(let nodes): return .oneOf(nodes.map { $0.expression(in: &rules, name: name) })
        case .repeated(let node, let minimum, let maximum):
            return rules.repeated(node.expression(in: &rules, name: name), minimum, maximum, name: name)
        case .sequence(let nodes):
            var parts: [GrammarExpression] = []
            var literal = ""
            for node in nodes {
                if case .characters(let set) = node, let scalar = set.single {
                    literal += CharacterSet.spelled(scalar)
                    continue
                }
                if !literal.isEmpty { parts.append(.literal(literal)) }
                literal = ""
                parts.append(node.expression(in: &rules, name: name))
            }
            if !literal.isEmpty { parts.append(.literal(literal)) }
            return .sequence(parts)
        }
    }
}
