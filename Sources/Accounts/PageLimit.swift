/// How many entries of a list to return at once: 1 to 1000.
package struct PageLimit: Sendable, Hashable {
    package static let standard = PageLimit(known: 100)
    package static let largest = PageLimit(known: 1000)

    package let rawValue: Int

    package init(_ rawValue: Int) throws(AccountError) {
        guard (1...1000).contains(rawValue) else { throw .badValue("limit", "is 1 to 1000") }
        self.rawValue = rawValue
    }

    private init(known: Int) { rawValue = known }
}
