/// Which rules a rule may begin with, and what comes of it in the engine.
///
/// The engine refuses left recursion, but its search for it knows only of empty alternatives. It does not see that a rule can be empty
/// by way of others, and then grows a stack without end for a rule that begins with itself and goes on after that. Where it goes on
/// with nothing, as in `(a? b?)*`, it notices that it has been there. The search itself goes every way again and again, recursing.
struct GBNFFirstRules {
    private struct Edge {
        let rule: Int32
        /// Where the rule is named, in bytes.
        let offset: Int32
        /// Whether the engine's search follows it.
        let isSeenByEngine: Bool
        /// Whether something follows the rule, so that a stack grows by going into it.
        let hasRest: Bool
    }

    private let rules: GBNFRules
    private var edges: [Edge] = []
    /// The first of a rule's ``edges``; one more at the end.
    private var firstEdges: [Int32] = [0]

    init(_ structure: GBNFStructure) {
        rules = structure.rules
        firstEdges.reserveCapacity(rules.count + 1)
        let rules = rules
        let isEmptyToEngine = (0..<rules.count).map { rule in
            rules.alternatives(of: rule).contains { rules.items[Int(rules.alternatives[$0])].isEnd }
        }
        for rule in 0..<rules.count {
            for alternative in rules.alternatives(of: rule) {
                var position = Int(rules.alternatives[alternative])
                var isSeen = true
                while rules.items[position].kind == .rule {
                    let item = rules.items[position]
                    edges.append(
                        Edge(
                            rule: item.value, offset: item.offset, isSeenByEngine: isSeen,
                            hasRest: !rules.items[position + 1].isEnd))
                    guard structure.isNullable[Int(item.value)] else { break }
                    isSeen = isSeen && isEmptyToEngine[Int(item.value)]
                    position += 1
                }
            }
            firstEdges.append(Int32(edges.count))
        }
    }

    private func edges(of rule: Int) -> Range<Int> { Int(firstEdges[rule])..<Int(firstEdges[rule + 1]) }

    func check(_ limits: GrammarLimits) throws(GBNFStructure.Finding) {
        try checkSearch(limits)
        try checkGrowth()
    }

    // MARK: - The engine's search

    /// Refuses what the engine refuses, and what would take its search too long or too deep.
    private func checkSearch(_ limits: GrammarLimits) throws(GBNFStructure.Finding) {
        enum State { case new, open, done }
        var states = [State](repeating: .new, count: rules.count)
        // For the engine's search from a rule: how deep it goes and how many items it looks at.
        var depths = [Int](repeating: 1, count: rules.count)
        var costs = (0..<rules.count).map { rules.positions(of: $0).count }
        var todo: [(rule: Int, next: Int)] = []
        // It starts from every rule that it did not come by before.
        var total = 0
        for start in 0..<rules.count where states[start] == .new {
            states[start] = .open
            todo.append((start, edges(of: start).lowerBound))
            while let (rule, next) = todo.last {
                guard next < edges(of: rule).upperBound else {
                    states[rule] = .done
                    todo.removeLast()
                    continue
                }
                let edge = edges[next]
                let inner = Int(edge.rule)
                guard edge.isSeenByEngine, states[inner] != .new else {
                    if edge.isSeenByEngine {
                        states[inner] = .open
                        todo.append((inner, edges(of: inner).lowerBound))
                    } else {
                        todo[todo.count - 1].next += 1
                    }
                    continue
                }
                guard states[inner] == .done else { throw leftRecursive(edge) }
                todo[todo.count - 1].next += 1
                depths[rule] = max(depths[rule], depths[inner] + 1)
                costs[rule] = min(costs[rule] + costs[inner], limits.firstSteps + 1)
                guard depths[rule] <= limits.firstRules else {
                    throw GBNFStructure.Finding(
                        code: .tooDeep, offset: Int(edge.offset),
                        message: "more than \(limits.firstRules) rules begin with one another")
                }
            }
            total += costs[start]
            guard total <= limits.firstSteps else {
                throw GBNFStructure.Finding(
                    code: .ambiguous, offset: Int(rules.offsets[start]),
                    message: "this rule can begin in too many ways")
            }
        }
    }

    private func leftRecursive(_ edge: Edge) -> GBNFStructure.Finding {
        GBNFStructure.Finding(
            code: .leftRecursive, offset: Int(edge.offset),
            message: "this leads back to the beginning of the rule it stands in, with nothing read")
    }

    // MARK: - What the engine does not see

    /// Refuses rules that begin with themselves, maybe by way of others, where any of them goes on after that.
    ///
    /// Rules that lead to each other get the same number (Tarjan's strongly connected components).
    private func checkGrowth() throws(GBNFStructure.Finding) {
        var order = [Int32](repeating: -1, count: rules.count)
        var lowest = [Int32](repeating: 0, count: rules.count)
        var components = [Int32](repeating: -1, count: rules.count)
        var open: [Int] = []
        var todo: [(rule: Int, next: Int)] = []
        var visited: Int32 = 0
        var componentCount: Int32 = 0

        func visit(_ rule: Int) {
            order[rule] = visited
            lowest[rule] = visited
            visited += 1
            open.append(rule)
            todo.append((rule, edges(of: rule).lowerBound))
        }

        for start in 0..<rules.count where order[start] < 0 {
            visit(start)
            while let (rule, next) = todo.last {
                if next < edges(of: rule).upperBound {
                    let inner = Int(edges[next].rule)
                    if order[inner] < 0 {
                        visit(inner)
                    } else {
                        todo[todo.count - 1].next += 1
                        if components[inner] < 0 { lowest[rule] = min(lowest[rule], lowest[inner]) }
                    }
                    continue
                }
                todo.removeLast()
                guard lowest[rule] == order[rule] else { continue }
                while let member = open.popLast() {
                    components[member] = componentCount
                    if member == rule { break }
                }
                componentCount += 1
            }
        }
        for rule in 0..<rules.count {
            for index in edges(of: rule)
            where edges[index].hasRest && components[Int(edges[index].rule)] == components[rule] {
                throw leftRecursive(edges[index])
            }
        }
    }
}
