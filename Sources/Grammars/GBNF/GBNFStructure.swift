/// What follows from the rules of a grammar without running it.
struct GBNFStructure {
    let rules: GBNFRules
    /// Whether a rule can be the empty text.
    let isNullable: [Bool]
    /// Whether some text or tokens fulfil a rule.
    let isProductive: [Bool]
    /// Whether `root` leads to a rule.
    let isReachable: [Bool]

    init(_ rules: GBNFRules) {
        self.rules = rules
        isNullable = GBNFStructure.derivable(rules, terminals: false)
        isProductive = GBNFStructure.derivable(rules, terminals: true)
        isReachable = GBNFStructure.reachable(rules)
    }

    private static func reachable(_ rules: GBNFRules) -> [Bool] {
        var isReached = [Bool](repeating: false, count: rules.count)
        isReached[rules.root] = true
        var todo = [rules.root]
        while let rule = todo.popLast() {
            for position in rules.positions(of: rule) where rules.items[position].kind == .rule {
                let inner = Int(rules.items[position].value)
                if !isReached[inner] {
                    isReached[inner] = true
                    todo.append(inner)
                }
            }
        }
        return isReached
    }

    /// The rules that can be made of nothing but rules of this kind and, where `terminals` says so, characters and tokens.
    private static func derivable(_ rules: GBNFRules, terminals: Bool) -> [Bool] {
        // For each alternative the parts that are not yet known to be fine, and for each rule the alternatives that name it.
        var missing = [Int32](repeating: 0, count: rules.alternatives.count)
        var owners = [Int32](repeating: 0, count: rules.alternatives.count)
        var uses = [[Int32]](repeating: [], count: rules.count)
        var isDerivable = [Bool](repeating: false, count: rules.count)
        var found: [Int] = []
        for rule in 0..<rules.count {
            for alternative in rules.alternatives(of: rule) {
                owners[alternative] = Int32(rule)
                var position = Int(rules.alternatives[alternative])
                while !rules.items[position].isEnd {
                    let item = rules.items[position]
                    if item.kind == .rule { uses[Int(item.value)].append(Int32(alternative)) }
                    if item.kind == .rule || !terminals { missing[alternative] += 1 }
                    position += 1
                }
                if missing[alternative] == 0, !isDerivable[rule] {
                    isDerivable[rule] = true
                    found.append(rule)
                }
            }
        }
        while let rule = found.popLast() {
            for alternative in uses[rule] {
                missing[Int(alternative)] -= 1
                let owner = Int(owners[Int(alternative)])
                if missing[Int(alternative)] == 0, !isDerivable[owner] {
                    isDerivable[owner] = true
                    found.append(owner)
                }
            }
        }
        return isDerivable
    }

    // MARK: - Checks

    /// A finding and the byte it is at.
    struct Finding: Error {
        let code: GrammarError.Code
        let offset: Int
        let message: String
    }

    /// Refuses left recursion, what the engine's search for it could not bear, rules without an end, and tokens
    /// after characters.
    func check(_ limits: GrammarLimits) throws(Finding) {
        try GBNFFirstRules(self).check(limits)
        try checkReachable()
    }

    /// Looks at the rules that `root` leads to.
    private func checkReachable() throws(Finding) {
        let tokens = rules.items.contains { $0.kind == .token || $0.kind == .otherToken } ? GBNFTokenPlaces(self) : nil
        for rule in 0..<rules.count where isReachable[rule] {
            guard isProductive[rule] else {
                throw Finding(
                    code: .endless, offset: Int(rules.offsets[rule]),
                    message: "no finite text fulfils this rule: an answer could never end")
            }
            try tokens?.check(rule)
        }
    }
}
