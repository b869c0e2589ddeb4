/// The stacks of positions that the engine keeps while it reads a text, each kept once.
///
/// A stack is a position on top of a smaller stack; the engine copies them whole. Number 0 is the empty stack: the text may end.
struct GBNFStacks {
    let rules: GBNFRules
    /// Stacks that were looked at.
    private(set) var stepCount = 0

    private var below: [Int32] = [-1]
    private var tops: [Int32] = [-1]
    private var depths: [Int32] = [0]
    /// What becomes of a stack by going into rules: a range of ``results``, once it is known.
    private var firstResults: [Int32] = [-1]
    private var resultCounts: [Int32] = [0]
    private var resultDepths: [Int32] = [0]
    private var results: [Int32] = []
    /// The last search that saw a stack.
    private var marks: [Int32] = [0]
    private var mark: Int32 = 0
    private var todo: [Int32] = []
    /// Numbers of stacks by hash, open addressing; -1 where free.
    private var slots = [Int32](repeating: -1, count: 1024)

    init(_ rules: GBNFRules) { self.rules = rules }

    /// How many stacks there are.
    var count: Int { tops.count }

    /// The item on top of a stack that is not empty.
    func top(_ stack: Int32) -> GBNFItem { rules.items[Int(tops[Int(stack)])] }

    func depth(_ stack: Int32) -> Int { Int(depths[Int(stack)]) }

    /// A stack with this position on top, or the smaller one itself where an alternative ends there.
    mutating func pushing(_ position: Int, on stack: Int32) -> Int32 {
        guard !rules.items[position].isEnd else { return stack }
        var slot = GBNFStacks.hash(stack, position) & (slots.count - 1)
        while slots[slot] >= 0 {
            let found = Int(slots[slot])
            if tops[found] == Int32(position), below[found] == stack { return Int32(found) }
            slot = (slot + 1) & (slots.count - 1)
        }
        let number = Int32(tops.count)
        slots[slot] = number
        below.append(stack)
        tops.append(Int32(position))
        depths.append(depths[Int(stack)] + 1)
        firstResults.append(-1)
        resultCounts.append(0)
        resultDepths.append(0)
        marks.append(0)
        if tops.count * 2 > slots.count { grow() }
        return number
    }

    private static func hash(_ stack: Int32, _ position: Int) -> Int {
        var value = UInt64(UInt32(bitPattern: stack)) << 32 | UInt64(UInt32(truncatingIfNeeded: position))
        value = (value ^ (value >> 31)) &* 0x9E37_79B9_7F4A_7C15
        return Int(truncatingIfNeeded: value >> 24)
    }

    private mutating func grow() {
        slots = [Int32](repeating: -1, count: slots.count * 4)
        for number in 1..<tops.count {
            var slot = GBNFStacks.hash(below[number], Int(tops[number])) & (slots.count - 1)
            while slots[slot] >= 0 { slot = (slot + 1) & (slots.count - 1) }
            slots[slot] = Int32(number)
        }
    }

    /// The stacks, all empty or with a character or token on top, that a stack becomes by going into rules; `nil` if more than `most`
    /// would have to be looked at.
    mutating func expanded(_ stack: Int32, most: Int) -> Results? {
        if firstResults[Int(stack)] >= 0 { return known(stack) }
        mark += 1
        let first = results.count
        var seen = 0
        todo.removeAll(keepingCapacity: true)
        todo.append(stack)
        while let next = todo.popLast() {
            guard marks[Int(next)] != mark else { continue }
            marks[Int(next)] = mark
            seen += 1
            stepCount += 1
            guard seen <= most else {
                results.removeSubrange(first...)
                return nil
            }
            guard next != 0, top(next).kind == .rule else {
                results.append(next)
                continue
            }
            let position = Int(tops[Int(next)])
            let rest = pushing(position + 1, on: below[Int(next)])
            for alternative in rules.alternatives(of: Int(rules.items[position].value)) {
                todo.append(pushing(Int(rules.alternatives[alternative]), on: rest))
            }
        }
        firstResults[Int(stack)] = Int32(first)
        resultCounts[Int(stack)] = Int32(results.count - first)
        resultDepths[Int(stack)] = results[first...].reduce(0) { max($0, depths[Int($1)]) }
        return known(stack)
    }

    /// The stacks that follow when the item on top was read.
    mutating func successors(_ stack: Int32, most: Int) -> Results? {
        expanded(pushing(Int(tops[Int(stack)]) + 1, on: below[Int(stack)]), most: most)
    }

    private func known(_ stack: Int32) -> Results {
        let first = Int(firstResults[Int(stack)])
        return Results(
            range: first..<first + Int(resultCounts[Int(stack)]), depth: Int(resultDepths[Int(stack)]))
    }

    /// Some stacks, by their places in a list.
    struct Results {
        fileprivate let range: Range<Int>
        /// Entries of the deepest.
        let depth: Int
        var count: Int { range.count }
        var indices: Range<Int> { range }
    }

    /// A stack of ``Results``.
    subscript(index: Int) -> Int32 { results[index] }
}
