/// The rules of a grammar with groups and repetitions made into rules of their own, exactly as the engine does it.
struct GBNFRules {
    /// All rules one after another.
    private(set) var items: [GBNFItem] = []
    /// Where each alternative begins in ``items``, those of a rule next to each other.
    private(set) var alternatives: [Int32] = []
    /// The first of a rule's ``alternatives``; one more at the end.
    private(set) var firstAlternatives: [Int32] = [0]
    /// The classes that items name by number.
    let characters: [GBNFCharacters]
    /// Where each rule is defined, in bytes.
    let offsets: [Int32]
    /// Whether the rule was made of a repetition and only others of the same repetition lead to it.
    let isInner: [Bool]
    /// The rule `root`.
    let root: Int

    /// - Parameter bodies: The items of each rule, with an end each.
    init(bodies: [[GBNFItem]], offsets: [Int32], isInner: [Bool], characters: [GBNFCharacters], root: Int) {
        self.offsets = offsets
        self.isInner = isInner
        self.characters = characters
        self.root = root
        items.reserveCapacity(bodies.reduce(0) { $0 + $1.count })
        firstAlternatives.reserveCapacity(bodies.count + 1)
        for body in bodies {
            var isStart = true
            for item in body {
                if isStart { alternatives.append(Int32(items.count)) }
                items.append(item)
                isStart = item.kind == .alternative
            }
            firstAlternatives.append(Int32(alternatives.count))
        }
    }

    var count: Int { firstAlternatives.count - 1 }

    /// The numbers of a rule's alternatives in ``alternatives``.
    func alternatives(of rule: Int) -> Range<Int> {
        Int(firstAlternatives[rule])..<Int(firstAlternatives[rule + 1])
    }

    /// Where all items of a rule stand, its end included.
    func positions(of rule: Int) -> Range<Int> {
        let first = alternatives(of: rule)
        let end = rule + 1 < count ? Int(alternatives[Int(firstAlternatives[rule + 1])]) : items.count
        return Int(alternatives[first.lowerBound])..<end
    }
}
