/// What a grammar may ask of the engine.
///
/// The engine's own work is what the defaults are made for. To judge every token of a vocabulary (Qwen2's: 151,936 tokens) llama.cpp
/// took, on one core: 10 to 40 ms for grammars of a few stacks; 0.2 s with 600 stacks; 0.7 s with 2,000; 0.3 to 1.5 s with 1,000 words
/// that begin alike; at most 0.5 s for 360 grammars that were made to be costly and pass; 13 s for `([ \t\n]+)* "x"`, 27 s for
/// `(" "?){0,24} "x"`, and more than 40 s for `("a"? "b"? "c"? "d"?){0,200}`. It has to judge the whole vocabulary only where the
/// model's first choice breaks the grammar.
package struct GrammarLimits: Hashable, Sendable {
    /// The most bytes of text.
    package var sizeBytes = 512 << 10
    /// The most rules, with those that the engine makes of groups and repetitions. It keeps a name, a node of a map and two copies of
    /// the body for each.
    package var rules = 65_536
    /// The most elements (characters, ends of ranges, names, tokens, ends of alternatives) once repetitions are written out: 8 bytes
    /// each, in two copies.
    package var elements = 400_000
    /// The most groups around an element. The engine's parser recurses for each.
    package var nestingDepth = 200
    /// The most repetitions; nested in groups, those multiplied. The engine refuses more as a minimum, and takes a larger maximum for
    /// none at all.
    package var repetition = 2000
    /// The most bytes of a rule's name: the engine keeps it once for each group and repetition in the rule.
    package var nameBytes = 128
    /// The most bytes of a token given as text, which the engine tokenizes.
    package var tokenBytes = 256
    /// The most elements of one class of characters: the engine compares a character of every candidate token with each.
    package var classElements = 1024
    /// The most rules that begin with one another in a row: the engine recurses for each.
    package var firstRules = 1000
    /// The most elements that the engine may visit in its search for left recursion. It goes every way again and again.
    package var firstSteps = 4_000_000
    /// The most stacks at once. Each looks through all tokens that no stack before it took.
    package var stacks = 2048
    /// The most ways to read a text of ``windowLength`` characters, the ways to read its beginnings counted too. The engine goes every
    /// one of them to find out that a token does not fit. Ways with deep stacks or large classes count for more.
    package var paths = 50_000
    /// Characters of the longest token that the dry run assumes: tokens of blanks and dashes are about as long, of letters and digits
    /// half of it.
    package var windowLength = 24
    /// The most entries of one stack within ``runLength`` characters: the engine copies it for every character of every token.
    package var stackDepth = 4096
    /// Characters of a dry run from `root`.
    package var runLength = 240
    /// The most stacks that the dry run may look at, in about 10 ms.
    package var steps = 320_000

    package init() {}

    package static let defaults = GrammarLimits()
}
