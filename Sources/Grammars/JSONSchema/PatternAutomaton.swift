import OrderedCollections

/// A regular expression as states of which one holds after every character, so that several can be asked for at once.
struct PatternAutomaton {
    struct Edge: Hashable {
        let characters: ClosedRange<UInt32>
        let target: Int
    }

    /// The edges of each state in the order of their characters, which do not overlap. The first state is where a text begins.
    private(set) var edges: [[Edge]] = []
    private(set) var isAccepting: [Bool] = []

    /// The most states, edges included.
    private static let mostStates = 4000
    private static let mostEdges = 20_000

    private var edgeCount = 0

    /// The automaton of what one position after the other may read; `nil` if it becomes too large.
    init?(_ positions: PatternPositions, mostStates: Int = PatternAutomaton.mostStates) {
        let last = Set(positions.last)
        var states: OrderedSet<[Int]> = [[]]
        var next = 0
        while next < states.count {
            let state = states[next]
            let isStart = next == 0
            next += 1
            isAccepting.append(isStart ? positions.allowsNothing : state.contains(where: last.contains))
            let candidates =
                isStart ? Set(positions.first) : state.reduce(into: Set()) { $0.formUnion(positions.following[$1]) }
            edges.append([])
            let pieces = PatternAutomaton.pieces(candidates.map { ($0, positions.characters[$0]) })
            for (characters, targets) in pieces {
                let target = states.append(targets).index
                guard states.count <= mostStates, addEdge(from: edges.count - 1, characters, target) else { return nil }
            }
        }
    }

    private init() {}

    private mutating func addEdge(from state: Int, _ characters: ClosedRange<UInt32>, _ target: Int) -> Bool {
        if let last = edges[state].last, last.target == target, last.characters.upperBound + 1 == characters.lowerBound
        {
            edges[state][edges[state].count - 1] = Edge(
                characters: last.characters.lowerBound...characters.upperBound, target: target)
            return true
        }
        edges[state].append(Edge(characters: characters, target: target))
        edgeCount += 1
        return edgeCount <= PatternAutomaton.mostEdges
    }

    /// Ranges of characters in order, each with the positions that read all of it.
    private static func pieces(_ sets: [(Int, CharacterSet)]) -> [(ClosedRange<UInt32>, [Int])] {
        var starts: [UInt32] = []
        for (_, set) in sets { for range in set.ranges { starts += [range.lowerBound, range.upperBound + 1] } }
        let bounds = Set(starts).sorted()
        var members = [[Int]](repeating: [], count: bounds.count)
        for (position, set) in sets {
            for range in set.ranges {
                guard var piece = bounds.firstIndexSorted(range.lowerBound) else { continue }
                while piece < bounds.count, bounds[piece] <= range.upperBound {
                    members[piece].append(position)
                    piece += 1
                }
            }
        }
        return bounds.indices.dropLast().compactMap { piece in
            members[piece].isEmpty ? nil : (bounds[piece]...(bounds[piece + 1] - 1), members[piece].sorted())
        }
    }

    func matches(_ text: String) -> Bool {
        var state = 0
        for scalar in text.unicodeScalars {
            guard let edge = edges[state].first(where: { $0.characters.contains(scalar.value) }) else { return false }
            state = edge.target
        }
        return isAccepting[state]
    }

    // MARK: - Together

    /// What both match; `nil` if that becomes too large.
    func intersection(_ other: PatternAutomaton) -> PatternAutomaton? {
        var result = PatternAutomaton()
        var states: OrderedSet<[Int]> = [[0, 0]]
        var next = 0
        while next < states.count {
            let (ours, theirs) = (states[next][0], states[next][1])
            next += 1
            result.isAccepting.append(isAccepting[ours] && other.isAccepting[theirs])
            result.edges.append([])
            var (left, right) = (edges[ours][...], other.edges[theirs][...])
            while let mine = left.first, let yours = right.first {
                let low = max(mine.characters.lowerBound, yours.characters.lowerBound)
                let high = min(mine.characters.upperBound, yours.characters.upperBound)
                if low <= high {
                    let target = states.append([mine.target, yours.target]).index
                    guard states.count <= PatternAutomaton.mostStates,
                        result.addEdge(from: result.edges.count - 1, low...high, target)
                    else { return nil }
                }
                if mine.characters.upperBound < yours.characters.upperBound {
                    left.removeFirst()
                } else {
                    right.removeFirst()
                }
            }
        }
        return result.trimmed
    }

    /// What does not match.
    var complement: PatternAutomaton {
        var result = self
        let sink = edges.count
        result.edges.append([])
        result.isAccepting = isAccepting.map { !$0 } + [true]
        for state in result.edges.indices {
            var filled: [Edge] = []
            var free: UInt32 = 0
            for edge in result.edges[state] {
                if free < edge.characters.lowerBound {
                    filled.append(Edge(characters: free...(edge.characters.lowerBound - 1), target: sink))
                }
                filled.append(edge)
                free = edge.characters.upperBound + 1
            }
            if free <= 0x10FFFF { filled.append(Edge(characters: free...0x10FFFF, target: sink)) }
            result.edges[state] = filled
        }
        return result
    }

    /// The texts of so many characters; `nil` if that becomes too large.
    func limited(_ minimum: Int, _ maximum: Int?) -> PatternAutomaton? {
        var result = PatternAutomaton()
        let cap = maximum ?? minimum
        var states: OrderedSet<[Int]> = [[0, 0]]
        var next = 0
        while next < states.count {
            let (state, count) = (states[next][0], states[next][1])
            next += 1
            result.isAccepting.append(isAccepting[state] && count >= minimum)
            result.edges.append([])
            if let maximum, count == maximum { continue }
            for edge in edges[state] {
                let target = states.append([edge.target, min(count + 1, cap)]).index
                guard states.count <= PatternAutomaton.mostStates,
                    result.addEdge(from: result.edges.count - 1, edge.characters, target)
                else { return nil }
            }
        }
        return result.trimmed
    }

    /// The automaton without states from which no text ends well.
    private var trimmed: PatternAutomaton {
        var sources = [[Int]](repeating: [], count: edges.count)
        for (state, list) in edges.enumerated() { for edge in list { sources[edge.target].append(state) } }
        var isUseful = isAccepting
        var open = isAccepting.indices.filter { isAccepting[$0] }
        while let state = open.popLast() {
            for source in sources[state] where !isUseful[source] {
                isUseful[source] = true
                open.append(source)
            }
        }
        isUseful[0] = true
        var result = PatternAutomaton()
        var numbers: [Int: Int] = [:]
        for state in edges.indices where isUseful[state] { numbers[state] = numbers.count }
        for state in edges.indices where isUseful[state] {
            result.edges.append(
                edges[state].compactMap { edge in
                    numbers[edge.target].map { Edge(characters: edge.characters, target: $0) }
                })
            result.isAccepting.append(isAccepting[state])
        }
        return result.minimized
    }

    /// The automaton with states of the same future made one; as it is if that takes long.
    private var minimized: PatternAutomaton {
        struct Signature: Hashable {
            let isAccepting: Bool
            let edges: [Edge]
        }
        var classes = isAccepting.map { $0 ? 1 : 0 }
        var classCount = Set(classes).count
        var work = 0
        while true {
            var known: [Signature: Int] = [:]
            var refined: [Int] = []
            for state in edges.indices {
                var merged = PatternAutomaton()
                merged.edges = [[]]
                for edge in edges[state] { _ = merged.addEdge(from: 0, edge.characters, classes[edge.target]) }
                work += edges[state].count + 1
                let signature = Signature(isAccepting: isAccepting[state], edges: merged.edges[0])
                refined.append(known[signature] ?? known.count)
                if known[signature] == nil { known[signature] = known.count }
            }
            classes = refined
            if known.count == classCount { break }
            classCount = known.count
            if work > PatternAutomaton.mostEdges { return self }
        }
        var result = PatternAutomaton()
        var isDone = [Bool](repeating: false, count: classCount)
        // The first state begins the first class, because classes are numbered as they are met.
        for state in edges.indices where !isDone[classes[state]] {
            isDone[classes[state]] = true
            result.edges.append([])
            result.isAccepting.append(isAccepting[state])
            for edge in edges[state] {
                _ = result.addEdge(from: result.edges.count - 1, edge.characters, classes[edge.target])
            }
        }
        return result
    }

    // MARK: - As a grammar

    /// Whether no text matches.
    var isNever: Bool { !isAccepting.contains(true) }

    /// Rules for the texts as they stand inside of JSON strings, one for each state; `nil` if they become too many.
    func expression(in rules: inout GrammarRules, name: String) -> GrammarExpression {
        let trimmed = self.trimmed
        guard trimmed.edges.count > 1 || trimmed.isAccepting[0] else { return .never }
        let indices = trimmed.edges.map { _ in rules.reserve(name) }
        for (state, index) in indices.enumerated() {
            var byTarget: OrderedDictionary<Int, [ClosedRange<UInt32>]> = [:]
            for edge in trimmed.edges[state] { byTarget[edge.target, default: []].append(edge.characters) }
            var options: [GrammarExpression] = trimmed.isAccepting[state] ? [.empty] : []
            for (target, ranges) in byTarget {
                let characters = CharacterSet(ranges).intersection(.all).inString
                let isEnd = trimmed.edges[target].isEmpty
                options.append(isEnd ? characters : .sequence([characters, .rule(indices[target])]))
            }
            rules.set(index, .oneOf(options))
            if rules.isTooLarge { break }
        }
        return .rule(indices[0])
    }
}

extension [UInt32] {
    /// Where a number stands in ascending order.
    fileprivate func firstIndexSorted(_ number: UInt32) -> Int? {
        var (low, high) = (0, count)
        while low < high {
            let middle = (low + high) / 2
            if self[middle] < number { low = middle + 1 } else { high = middle }
        }
        return low < count ? low : nil
    }
}
