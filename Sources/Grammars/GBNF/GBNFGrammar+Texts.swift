extension GBNFGrammar {
    /// The most stacks that ``accepts(_:)`` looks at, and steps that ``sample(using:maximumScalars:)`` takes.
    private static let mostSteps = 5_000_000

    /// Whether the grammar accepts a whole text of characters; tokens in it match nothing.
    ///
    /// `false` too where that takes more than five million steps.
    package func accepts(_ text: String) -> Bool {
        var stacks = GBNFStacks(rules)
        var current: Set<Int32> = []
        for alternative in rules.alternatives(of: rules.root) {
            let start = stacks.pushing(Int(rules.alternatives[alternative]), on: 0)
            guard let results = stacks.expanded(start, most: GBNFGrammar.mostSteps) else { return false }
            for index in results.indices { current.insert(stacks[index]) }
        }
        var steps = 0
        for scalar in text.unicodeScalars {
            var next: Set<Int32> = []
            for stack in current where stack != 0 {
                let top = stacks.top(stack)
                guard top.kind == .character, rules.characters[Int(top.value)].contains(scalar.value) else { continue }
                guard let results = stacks.successors(stack, most: GBNFGrammar.mostSteps) else { return false }
                for index in results.indices { next.insert(stacks[index]) }
                steps += 1 + results.count
                guard steps + stacks.stepCount < GBNFGrammar.mostSteps else { return false }
            }
            current = next
            if current.isEmpty { return false }
        }
        return current.contains(0)
    }

    /// A random text of at most so many scalars that the grammar accepts; `nil` if none was found, or only tokens lead to an end.
    package func sample(using random: inout some RandomNumberGenerator, maximumScalars: Int) -> String? {
        let shortest = shortestLengths()
        guard shortest[rules.root] <= maximumScalars else { return nil }
        var text = String.UnicodeScalarView()
        /// Where to go on, the next on top, and what all of it takes at least.
        var todo: [Int] = []
        var needed = 0
        func push(_ alternative: Int) {
            todo.append(Int(rules.alternatives[alternative]))
            needed += length(ofAlternative: alternative, shortest)
        }
        func choose(_ rule: Int) {
            let all = rules.alternatives(of: rule)
            let room = maximumScalars - text.count - needed
            let fitting = all.filter { length(ofAlternative: $0, shortest) <= room }
            if let choice = fitting.randomElement(using: &random) { push(choice) }
        }
        choose(rules.root)
        var steps = 0
        while let position = todo.popLast() {
            steps += 1
            guard steps < GBNFGrammar.mostSteps else { return nil }
            let item = rules.items[position]
            guard !item.isEnd else { continue }
            todo.append(position + 1)
            switch item.kind {
            case .character:
                needed -= 1
                text.append(randomScalar(rules.characters[Int(item.value)], using: &random))
            case .rule:
                needed -= shortest[Int(item.value)]
                choose(Int(item.value))
            default: return nil
            }
        }
        return String(text)
    }

    /// A scalar of a class, from its start more often than from far out.
    private func randomScalar(
        _ characters: GBNFCharacters, using random: inout some RandomNumberGenerator
    ) -> Unicode.Scalar {
        let range = characters.ranges.randomElement(using: &random) ?? 0x20...0x20
        let last = Bool.random(using: &random) ? min(range.upperBound, range.lowerBound + 127) : range.upperBound
        return Unicode.Scalar(UInt32.random(in: range.lowerBound...last, using: &random)) ?? " "
    }

    /// More than any text has.
    private static let endless = Int.max / 4

    private func length(ofAlternative alternative: Int, _ shortest: [Int]) -> Int {
        var length = 0
        var position = Int(rules.alternatives[alternative])
        while !rules.items[position].isEnd {
            let item = rules.items[position]
            switch item.kind {
            case .character: length += 1
            case .rule: length += shortest[Int(item.value)]
            default: length = GBNFGrammar.endless
            }
            if length >= GBNFGrammar.endless { return GBNFGrammar.endless }
            position += 1
        }
        return length
    }

    /// The length of each rule's shortest text.
    private func shortestLengths() -> [Int] {
        var shortest = [Int](repeating: GBNFGrammar.endless, count: rules.count)
        var users = [[Int]](repeating: [], count: rules.count)
        for rule in 0..<rules.count {
            for position in rules.positions(of: rule) where rules.items[position].kind == .rule {
                let inner = Int(rules.items[position].value)
                if users[inner].last != rule { users[inner].append(rule) }
            }
        }
        var todo = Array(0..<rules.count)
        var steps = 0
        while let rule = todo.popLast(), steps < GBNFGrammar.mostSteps {
            steps += rules.positions(of: rule).count
            let lengths = rules.alternatives(of: rule).map { length(ofAlternative: $0, shortest) }
            guard let least = lengths.min(), least < shortest[rule] else { continue }
            shortest[rule] = least
            todo += users[rule]
        }
        return shortest
    }
}
