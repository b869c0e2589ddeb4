/// Lets a grammar read made-up texts as the engine would, and refuses it where the engine would have too much to do.
///
/// For each character the engine advances every stack; to judge candidate tokens it follows, from every stack, every way to read each
/// token, without noticing when two ways meet. So what counts is the number of stacks, and the number of ways to read a piece of text
/// as long as a token. The texts are chosen to make most of these.
///
/// A dry run cannot prove anything: it finds what shows within its characters from `root`, and within a token's length from the
/// beginning of every other rule, as far as its steps reach.
struct GBNFDryRun {
    /// How the next character is chosen.
    private enum Choice {
        /// The one with the most ways to go on.
        case widest
        /// The one that leads to the deepest stack.
        case deepest
        /// Any.
        case random
        /// One that a stack chosen by chance waits for.
        case likely
    }

    /// A stack of the moment and in how many ways it came about since the last beginning of a token.
    private struct Entry {
        let stack: Int32
        var ways: Int
    }

    private let structure: GBNFStructure
    private let limits: GrammarLimits
    private var stacks: GBNFStacks
    private var random: UInt64 = 0x5EED
    /// Work beyond that of ``stacks``.
    private var extraSteps = 0
    private var entries: [Entry] = []
    /// For each stack, its place among the entries to come, if `marks` has the number of the step.
    private var places: [Int32] = []
    private var marks: [Int32] = []
    private var mark: Int32 = 0
    /// For each class of characters, the weight of the stacks that wait for it.
    private var weights: [Int]
    private var weightMarks: [Int32]
    private var classes: [Int] = []
    /// For each class, how many more stacks may be looked into, and how many followed from the last.
    private var guesses: [(looks: Int, count: Int)]
    private var tokenWeight = 0

    init(_ structure: GBNFStructure, limits: GrammarLimits) {
        self.structure = structure
        self.limits = limits
        stacks = GBNFStacks(structure.rules)
        guesses = [(looks: Int, count: Int)](repeating: (0, 0), count: structure.rules.characters.count)
        weights = [Int](repeating: 0, count: structure.rules.characters.count)
        weightMarks = [Int32](repeating: 0, count: structure.rules.characters.count)
    }

    private var rules: GBNFRules { structure.rules }

    /// The most steps that a check can take: what one character may take at most comes on top.
    static func mostSteps(_ limits: GrammarLimits) -> Int { limits.steps + 128 * 4 * limits.stacks + limits.paths }

    /// What the run has cost so far.
    var stepCount: Int { stacks.stepCount + extraSteps }

    mutating func check() throws(GBNFStructure.Finding) {
        let root = rules.alternatives(of: rules.root).map { Int(rules.alternatives[$0]) }
        // The share of the steps that each run may go up to.
        let shares: [(Choice, percent: Int)] = [
            (.widest, 25), (.deepest, 30), (.random, 45), (.likely, 60), (.likely, 65), (.likely, 70), (.likely, 75),
        ]
        for (choice, percent) in shares {
            try begin(root)
            let hasReadToken = try run(limits.runLength, choice, upTo: limits.steps * percent / 100)
            guard hasReadToken || choice != .widest else { throw tooManyPaths(rules.items[root[0]]) }
        }
        for starts in beginnings() {
            guard stepCount < limits.steps else { break }
            try begin(starts)
            _ = try run(limits.windowLength, .widest, upTo: limits.steps)
        }
    }

    /// Places from which a text of a token's length is read too: first where several parts that may be empty follow one another, then
    /// the rules.
    private func beginnings() -> [[Int]] {
        var rows: [[Int]] = []
        var others: [[Int]] = []
        for rule in 0..<rules.count
        where structure.isReachable[rule] && rule != rules.root && !rules.isInner[rule] {
            others.append(rules.alternatives(of: rule).map { Int(rules.alternatives[$0]) })
        }
        var isInRow = false
        for rule in 0..<rules.count where structure.isReachable[rule] {
            for position in rules.positions(of: rule) {
                let isFirst = !isInRow
                isInRow = isNullable(position)
                if isInRow, isFirst, isNullable(position + 1) { rows.append([position]) }
            }
        }
        return rows + others
    }

    private func isNullable(_ position: Int) -> Bool {
        let item = rules.items[position]
        return item.kind == .rule && structure.isNullable[Int(item.value)]
    }

    // MARK: - Running

    private mutating func begin(_ positions: [Int]) throws(GBNFStructure.Finding) {
        entries.removeAll(keepingCapacity: true)
        mark += 1
        for position in positions {
            let start = stacks.pushing(position, on: 0)
            guard let results = stacks.expanded(start, most: limits.stacks * 4) else {
                throw tooManyStacks(rules.items[position])
            }
            try add(results, ways: 1, after: rules.items[position])
        }
    }

    /// Reads so many characters, or fewer if there are no more steps.
    ///
    /// - Returns: Whether the steps were enough for a token's length.
    private mutating func run(
        _ length: Int, _ choice: Choice, upTo steps: Int
    ) throws(GBNFStructure.Finding) -> Bool {
        var paths = 0
        var room = 0
        var hasReadToken = false
        for index in 0..<length {
            if room <= 0 {
                hasReadToken = index > 0
                room = limits.windowLength
                paths = entries.count
                for entry in entries.indices { entries[entry].ways = 1 }
            }
            extraSteps += 8 + entries.count
            guard stepCount < steps else { return hasReadToken }
            try weigh(choice)
            guard let scalar = choose(choice) else { return true }
            room -= GBNFDryRun.isInWord(scalar) ? 2 : 1
            try advance(by: scalar, &paths)
        }
        return true
    }

    /// Whether tokens hold only a few of such characters in a row: words, not lines and indentations.
    private static func isInWord(_ scalar: UInt32) -> Bool {
        guard let properties = Unicode.Scalar(scalar)?.properties else { return false }
        return properties.isAlphabetic || properties.numericType != nil
    }

    /// Sums up, for each class, what would follow a character of it, judging by the first stacks that wait for it.
    private mutating func weigh(_ choice: Choice) throws(GBNFStructure.Finding) {
        classes.removeAll(keepingCapacity: true)
        tokenWeight = 0
        mark += 1
        var looks = 128
        for entry in entries where entry.stack != 0 {
            let item = stacks.top(entry.stack)
            let number = item.kind == .character ? Int(item.value) : nil
            if let number, weightMarks[number] != mark {
                weightMarks[number] = mark
                weights[number] = 0
                guesses[number] = (looks: 2, count: 1)
                classes.append(number)
            }
            var weight = 1
            if choice == .widest || choice == .deepest, looks > 0, number.map({ guesses[$0].looks > 0 }) ?? true {
                guard let results = stacks.successors(entry.stack, most: limits.stacks * 4) else {
                    throw tooManyStacks(item)
                }
                looks -= 1
                if let number { guesses[number] = (guesses[number].looks - 1, results.count) }
                weight = choice == .deepest ? results.depth : entry.ways * results.count
            } else if choice == .deepest {
                weight = stacks.depth(entry.stack)
            } else if choice == .widest, let number {
                weight = entry.ways * guesses[number].count
            }
            if let number {
                weights[number] = choice == .deepest ? max(weights[number], weight) : weights[number] + weight
            } else {
                tokenWeight = choice == .deepest ? max(tokenWeight, weight) : tokenWeight + weight
            }
        }
        if let heaviest = classes.indices.max(by: { weights[classes[$0]] < weights[classes[$1]] }) {
            classes.swapAt(0, heaviest)
        }
    }

    /// A character, or 0 for a token; `nil` if nothing can follow.
    ///
    /// Where most classes overlap, one of them begins, so only beginnings of ranges are tried.
    private mutating func choose(_ choice: Choice) -> UInt32? {
        guard !classes.isEmpty else { return tokenWeight > 0 ? 0 : nil }
        guard choice == .widest || choice == .deepest else {
            if tokenWeight > 0, next(8) == 0 { return 0 }
            let entry = entries[next(entries.count)]
            if choice == .likely, entry.stack != 0, stacks.top(entry.stack).kind == .character {
                return beginning(of: Int(stacks.top(entry.stack).value))
            }
            return beginning(of: classes[next(classes.count)])
        }
        var best: (weight: Int, scalar: UInt32) = (tokenWeight, 0)
        var candidates: [UInt32] = [0x20, 0x2D]
        for index in 0..<min(classes.count, 8) {
            let number = classes.count <= 8 || index == 0 ? classes[index] : classes[next(classes.count)]
            let ranges = rules.characters[number].ranges
            for range in ranges.prefix(3) { candidates.append(range.lowerBound) }
            if ranges.count > 3 { candidates.append(beginning(of: number)) }
        }
        let compared = classes.prefix(64)
        extraSteps += candidates.count * compared.count / 8
        for scalar in candidates {
            var weight = 0
            for number in compared where rules.characters[number].contains(scalar) {
                weight = choice == .deepest ? max(weight, weights[number]) : weight + weights[number]
            }
            if weight > best.weight { best = (weight, scalar) }
        }
        return best.scalar
    }

    private mutating func beginning(of number: Int) -> UInt32 {
        let ranges = rules.characters[number].ranges
        return ranges[next(ranges.count)].lowerBound
    }

    /// A number below `end`, the same in every run of the program.
    private mutating func next(_ end: Int) -> Int {
        random = random &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return Int((random >> 33) % UInt64(end))
    }

    private mutating func advance(by scalar: UInt32, _ paths: inout Int) throws(GBNFStructure.Finding) {
        let old = entries
        entries.removeAll(keepingCapacity: true)
        mark += 1
        for entry in old where entry.stack != 0 {
            let item = stacks.top(entry.stack)
            let isMatch =
                item.kind == .character
                ? scalar != 0 && rules.characters[Int(item.value)].contains(scalar) : scalar == 0
            guard isMatch else { continue }
            guard let results = stacks.successors(entry.stack, most: limits.stacks * 4) else {
                throw tooManyStacks(item)
            }
            extraSteps += results.count
            paths += try add(results, ways: entry.ways, after: item)
            guard paths <= limits.paths else { throw tooManyPaths(item) }
        }
    }

    /// Adds stacks to the entries, and returns the work they are to the engine.
    @discardableResult
    private mutating func add(
        _ results: GBNFStacks.Results, ways: Int, after item: GBNFItem
    ) throws(GBNFStructure.Finding) -> Int {
        if places.count < stacks.count {
            let missing = stacks.count * 2 - places.count
            places.append(contentsOf: repeatElement(0, count: missing))
            marks.append(contentsOf: repeatElement(0, count: missing))
        }
        var work = 0
        for index in results.indices {
            let stack = stacks[index]
            var weight = 1 + stacks.depth(stack) / 64
            if stack != 0 {
                let top = stacks.top(stack)
                if top.kind == .character { weight += rules.characters[Int(top.value)].elementCount / 32 }
            }
            work += ways * weight
            if marks[Int(stack)] == mark {
                entries[Int(places[Int(stack)])].ways += ways
                continue
            }
            marks[Int(stack)] = mark
            places[Int(stack)] = Int32(entries.count)
            entries.append(Entry(stack: stack, ways: ways))
            guard entries.count <= limits.stacks else { throw tooManyStacks(item) }
            guard stacks.depth(stack) <= limits.stackDepth else {
                throw GBNFStructure.Finding(
                    code: .tooDeep, offset: Int(item.offset),
                    message: "every character here adds too many levels that have to be closed again")
            }
        }
        return work
    }

    private func tooManyPaths(_ item: GBNFItem) -> GBNFStructure.Finding {
        GBNFStructure.Finding(
            code: .ambiguous, offset: Int(item.offset),
            message: "too many ways to read the same text: more than \(limits.paths) within "
                + "\(limits.windowLength) characters")
    }

    private func tooManyStacks(_ item: GBNFItem) -> GBNFStructure.Finding {
        GBNFStructure.Finding(
            code: .ambiguous, offset: Int(item.offset),
            message: "more than \(limits.stacks) ways to go on from here")
    }
}
