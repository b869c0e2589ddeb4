extension GrammarRules {
    /// Fewer words than this may stand side by side.
    private static let fewWords = 64
    /// Rules inside of each other for words that begin alike.
    private static let deepestBranch = 100

    /// One of the words. Of many, those that begin alike share their beginning: the engine follows every alternative that may be meant.
    mutating func oneOf(words: [String], name: String) -> GrammarExpression {
        guard words.count > GrammarRules.fewWords else { return .oneOf(words.map { .literal($0) }) }
        let sorted = words.map { Array($0.unicodeScalars) }.sorted { $0.lexicographicallyPrecedes($1) }
        return branch(sorted[...], from: 0, name: name, depth: 0)
    }

    /// Words in order that are the same up to a position.
    private mutating func branch(
        _ words: ArraySlice<[Unicode.Scalar]>, from start: Int, name: String, depth: Int
    ) -> GrammarExpression {
        var options: [GrammarExpression] = []
        var rest = words
        while let word = rest.first {
            let isSame: ([Unicode.Scalar]) -> Bool =
                start == word.count ? { $0.count == start } : { $0.count > start && $0[start] == word[start] }
            let group = depth < GrammarRules.deepestBranch ? rest.prefix(while: isSame) : rest.prefix(1)
            rest = rest[group.endIndex...]
            guard start < word.count else {
                options.append(.empty)
                continue
            }
            // The first and the last word in order agree only in what all agree in.
            let last = group.last ?? word
            let common = zip(word, last).prefix { $0 == $1 }.count
            let beginning = GrammarExpression.literal(String(String.UnicodeScalarView(word[start..<common])))
            guard group.count > 1, common < last.count else {
                options.append(beginning)
                continue
            }
            let following = branch(group, from: common, name: name, depth: depth + 1)
            options.append(.sequence([beginning, rule(name, following)]))
        }
        return .oneOf(options)
    }
}
