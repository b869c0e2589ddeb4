/// How much work a conversion may still take: counted, not timed, so that a schema has the same fate everywhere.
struct ConversionBudget {
    /// A step looks at one value, or at some 8 bytes of text.
    private(set) var steps = ConversionBudget.most

    static let most = 150_000

    /// Whether that much could be taken from what is left.
    mutating func spend(_ count: Int = 1) -> Bool {
        steps -= count
        return steps >= 0
    }

    static func steps(for text: String) -> Int { 1 + text.utf8.count / 8 }
}
