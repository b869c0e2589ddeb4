/// A grammar that was read and found fit for the engine.
///
/// The notation and what follows from it are those of llama.cpp (`grammars/README.md`, `src/llama-grammar.cpp`). A grammar that passes
/// is one that the engine takes, in whose search for left recursion and in whose stacks it does not lose itself as far as a dry run
/// shows, and that has an answer that ends.
///
/// Of the vocabulary only the number of tokens is known here. So the engine may still refuse a `<text>` that is not exactly one token;
/// and a token that ends the generation, or that has no text, never matches, so that an answer gets stuck where nothing else can
/// follow. Whoever runs the engine has to bear that.
package struct GBNFGrammar: Sendable {
    let rules: GBNFRules
    /// The work that judging took: bytes and elements read, and steps of the dry run.
    package let workCount: Int

    /// Reads, checks and dry-runs a grammar.
    ///
    /// - Parameter tokenCount: How many tokens the vocabulary has, for rules such as `<[7]>`; those of the form `<text>` are left to
    ///   the engine.
    /// - Throws: ``GrammarError`` with the place of what is wrong.
    package init(
        judging text: String, tokenCount: Int? = nil, limits: GrammarLimits = .defaults
    ) throws(GrammarError) {
        var work = 0
        self.rules = try GBNFGrammar.rules(text, tokenCount: tokenCount, limits: limits, work: &work)
        workCount = work
    }

    /// Does what the initialiser does, and counts the work even if the grammar is refused.
    static func rules(
        _ text: String, tokenCount: Int?, limits: GrammarLimits, work: inout Int
    ) throws(GrammarError) -> GBNFRules {
        let reader = try GBNFReader(text, tokenCount: tokenCount, limits: limits)
        defer { work += reader.position + min(reader.elementCount, limits.elements) }
        let rules = try reader.rules()
        let structure = GBNFStructure(rules)
        var dryRun = GBNFDryRun(structure, limits: limits)
        defer { work += dryRun.stepCount }
        do throws(GBNFStructure.Finding) {
            try structure.check(limits)
            try dryRun.check()
        } catch {
            throw reader.failure(error.code, at: error.offset, error.message)
        }
        return rules
    }
}
