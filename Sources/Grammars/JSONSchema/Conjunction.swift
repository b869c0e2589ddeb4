/// Schemas that have to hold together, those that they refer to and consist of included.
struct Conjunction: Hashable {
    /// A schema, and which of its lists of alternatives were replaced by one of them.
    struct Part: Hashable {
        let place: Int
        var isAnyOfChosen = false
        var isOneOfChosen = false
    }

    private(set) var parts: [Part] = []
    private var positions: [Int: Int] = [:]
    /// A schema that allows nothing, if one of them does.
    var impossible: Int?
    /// Members that there must be besides those that the schemas ask for, so that alternatives exclude each other.
    var tags: Set<String> = []

    /// Schemas that were taken apart already, those without assertions of their own included.
    private var seen: Set<Int> = []

    /// What a copy takes.
    var size: Int { 1 + seen.count }

    /// Whether the schema is new.
    mutating func visit(_ place: Int) -> Bool { seen.insert(place).inserted }

    mutating func insert(_ place: Int) {
        guard positions[place] == nil else { return }
        positions[place] = parts.count
        parts.append(Part(place: place))
    }

    mutating func choose(_ keyword: String, of place: Int) {
        guard let position = positions[place] else { return }
        if keyword == "anyOf" { parts[position].isAnyOfChosen = true } else { parts[position].isOneOfChosen = true }
    }

    // Two with the same parts in another order write objects in another order.
    static func == (left: Conjunction, right: Conjunction) -> Bool {
        left.parts == right.parts && left.impossible == right.impossible && left.tags == right.tags
    }

    func hash(into hasher: inout Hasher) {
        hasher.combine(parts)
        hasher.combine(impossible)
        hasher.combine(tags.count)
    }
}
