import JSON
import OrderedCollections

/// Makes grammar rules of a JSON schema (draft 2020-12 and the common parts of its predecessors).
///
/// A keyword is honoured or refused, never ignored; only annotations are passed over. Schemas that hold together are looked at
/// together, wherever they stand, and each such set once: its rule is remembered. Nested schemas wait in a queue, so that neither
/// the stack nor the text of a rule grows with them.
struct JSONSchemaConverter {
    var document: SchemaDocument
    var rules = GrammarRules()
    var budget = ConversionBudget()
    /// What was made of schemas that were met before.
    private var known: [Conjunction: GrammarExpression] = [:]
    private var queue: [(rule: Int, facts: SchemaFacts, name: String)] = []
    /// Why the first schema that allows no value does not.
    private var firstImpossible: JSONSchemaError?
    /// Schemas whose keywords were looked at.
    private var checked: Set<Int> = []
    private var targets: [Int: Int] = [:]
    /// Schemas that do not lead back to themselves.
    private var acyclic: Set<Int> = []
    /// Lists of values, made comparable.
    var lists: [Int: Set<[UInt8]>] = [:]
    var patterns: [PatternSource: Pattern] = [:]
    /// Strings that match one pattern and nothing else.
    var patternRules: [PatternSource: GrammarExpression] = [:]
    var automata: [PatternSource: PatternAutomaton] = [:]

    /// Schemas that contain or refer to each other deeper than this in the same place are refused.
    private static let maximumDepth = 100
    /// The most bytes that a schema may have as compact JSON.
    private static let maximumBytes = 256 << 10

    init(document: JSONValue) { self.document = SchemaDocument(document) }

    /// The expression for the whole document.
    mutating func convertDocument(name: String = "value") throws(JSONSchemaError) -> GrammarExpression {
        guard document[SchemaDocument.root].serialized().utf8.count <= JSONSchemaConverter.maximumBytes else {
            throw JSONSchemaError(
                code: .tooLarge, keyword: "schema", path: "#",
                message: "has more than \(JSONSchemaConverter.maximumBytes) bytes: use a smaller schema")
        }
        let expression = try expression(for: conjunction([SchemaDocument.root]), name: name)
        var next = 0
        while next < queue.count {
            let job = queue[next]
            next += 1
            rules.set(job.rule, try body(job.facts, name: job.name))
            try checkSize(at: job.facts.place)
        }
        queue = []
        return expression
    }

    /// The grammar as text, without what no text fits.
    mutating func finished(root: Int) throws(JSONSchemaError) -> String {
        try checkSize(at: SchemaDocument.root)
        switch rules.prune(from: root) {
        case true: return rules.text
        case false:
            if let firstImpossible { throw firstImpossible }
            throw failure(.invalid, "$ref", at: SchemaDocument.root, "allows no value that ever ends")
        case nil: throw tooLarge(at: SchemaDocument.root)
        }
    }

    /// The expression for values that all of the schemas allow.
    mutating func expression(for whole: Conjunction, name: String) throws(JSONSchemaError) -> GrammarExpression {
        try spend(whole.size, at: whole.parts.first?.place ?? SchemaDocument.root)
        if let impossible = whole.impossible {
            return impossibility("false", at: impossible, "allows no value at all")
        }
        if whole.parts.isEmpty, whole.tags.isEmpty { return JSONPrimitive.value.rule(in: &rules) }
        if let made = known[whole] { return made }
        let facts = try facts(of: whole)
        let made: GrammarExpression
        if facts.isNested {
            let rule = rules.reserve(name)
            queue.append((rule, facts, name))
            made = .rule(rule)
        } else {
            made = rules.short(try body(facts, name: name), name)
            try checkSize(at: facts.place)
        }
        known[whole] = made
        return made
    }

    /// As ``expression(for:name:)`` for schemas that begin at these places.
    mutating func expression(at places: [Int], name: String) throws(JSONSchemaError) -> GrammarExpression {
        try expression(for: conjunction(places), name: name)
    }

    private mutating func body(_ facts: SchemaFacts, name: String) throws(JSONSchemaError) -> GrammarExpression {
        if let values = facts.values { return try constants(values, facts) }
        if let choice = facts.choice { return try choose(choice, facts, name: name) }
        if facts.types.isEmpty { return impossibility("type", at: facts.place, "leaves no type") }
        var options: [GrammarExpression] = []
        if facts.types.contains(.object) { options.append(try object(facts, name: name)) }
        if facts.types.contains(.array) { options.append(try array(facts, name: name)) }
        if facts.types.contains(.string) { options.append(try string(facts, name: name)) }
        if !facts.types.isDisjoint(with: .number) { options.append(try number(facts, name: name)) }
        if facts.types.contains(.boolean) { options.append(JSONPrimitive.boolean.rule(in: &rules)) }
        if facts.types.contains(.null) { options.append(JSONPrimitive.null.rule(in: &rules)) }
        return .oneOf(options)
    }

    /// One of the alternatives of `anyOf` or `oneOf`, together with everything else.
    private mutating func choose(
        _ choice: SchemaFacts.Choice, _ facts: SchemaFacts, name: String
    ) throws(JSONSchemaError) -> GrammarExpression {
        let options = Array(document.children(of: choice.list))
        guard case .array = document[choice.list], !options.isEmpty else {
            throw failure(.invalid, choice.keyword, at: choice.place, "must be an array of one or more schemas")
        }
        let tags = try choice.keyword == "oneOf" ? exclusiveTags(options, facts, at: choice.place) : []
        var bodies: [GrammarExpression] = []
        for (index, option) in options.enumerated() {
            var whole = facts.whole
            whole.choose(choice.keyword, of: choice.place)
            whole.tags.formUnion(tags)
            try add(option, to: &whole)
            bodies.append(try expression(for: whole, name: "option-\(index)"))
        }
        return .oneOf(bodies)
    }

    // MARK: - Schemas that hold together

    mutating func conjunction(_ places: [Int]) throws(JSONSchemaError) -> Conjunction {
        var whole = Conjunction()
        for place in places { try add(place, to: &whole) }
        return whole
    }

    /// Adds a schema with everything that `$ref` and `allOf` in it refer to and list.
    mutating func add(_ place: Int, to whole: inout Conjunction, depth: Int = 0) throws(JSONSchemaError) {
        try spend(1, at: place)
        guard whole.visit(place) else { return }
        try checkCycles(place)
        guard depth <= JSONSchemaConverter.maximumDepth else { throw tooDeep(at: place) }
        switch document[place] {
        case .bool(true): return
        case .bool(false):
            whole.impossible = whole.impossible ?? place
            return
        default: break
        }
        if let forbidden = document.keyword("not", of: place), document[forbidden] == true || document[forbidden] == [:]
        {
            whole.impossible = whole.impossible ?? place
        }
        let hasAssertions = try check(place)
        // What came first says in which order members are written.
        let reference = try target(of: place)
        if let reference, !hasAssertions {
            try add(reference, to: &whole, depth: depth + 1)
        } else {
            if hasAssertions { whole.insert(place) }
            if let reference { try add(reference, to: &whole, depth: depth + 1) }
        }
        guard let parts = document.keyword("allOf", of: place) else { return }
        guard case .array = document[parts] else {
            throw failure(.invalid, "allOf", at: place, "must be an array of schemas")
        }
        for part in document.children(of: parts) { try add(part, to: &whole, depth: depth + 1) }
    }

    /// Refuses keywords that are not known.
    ///
    /// - Returns: Whether the schema says anything about values besides `$ref` and `allOf`.
    @discardableResult
    mutating func check(_ place: Int) throws(JSONSchemaError) -> Bool {
        guard case .object(let members) = document[place] else {
            if case .bool = document[place] { return false }
            throw failure(.invalid, "schema", at: place, "must be a schema (an object), and is \(document[place].kind)")
        }
        let isNew = checked.insert(place).inserted
        if isNew { try spend(members.count, at: place) }
        var hasAssertions = false
        for (keyword, value) in members where !SchemaKeywords.isAnnotation(keyword) {
            if value.isNull, keyword != "const" { continue }
            if keyword == "$ref" || keyword == "allOf" { continue }
            // What is said to allow anything or nothing can be turned around.
            if keyword == "not", value == true || value == [:] || value == false { continue }
            if isNew, SchemaKeywords.types[keyword] == nil, !SchemaKeywords.combinators.contains(keyword) {
                throw failure(.unsupported, keyword, at: place, "is not supported in answers: leave it out")
            }
            hasAssertions = true
        }
        return hasAssertions
    }

    /// What the reference of a schema leads to, if it has one.
    mutating func target(of place: Int) throws(JSONSchemaError) -> Int? {
        guard let reference = document.keyword("$ref", of: place) else { return nil }
        if let target = targets[place] { return target }
        guard let text = document[reference].string, text.hasPrefix("#") else {
            throw failure(.unsupported, "$ref", at: place, "can only refer to a part of the same schema (#/…)")
        }
        try spend(ConversionBudget.steps(for: text) + 4, at: place)
        guard let target = document.resolve(text, from: place) else {
            throw failure(.invalid, "$ref", at: place, "refers to '\(text.prefix(100))', which does not exist")
        }
        targets[place] = target
        return target
    }

    /// Refuses schemas that lead back to themselves before any bracket: they would not say what they allow.
    private mutating func checkCycles(_ start: Int) throws(JSONSchemaError) {
        guard !acyclic.contains(start) else { return }
        var open: [(place: Int, next: [Int])] = [(start, try alongside(start))]
        var isOpen: Set<Int> = [start]
        while let (place, next) = open.last {
            guard let following = next.last else {
                acyclic.insert(place)
                isOpen.remove(place)
                open.removeLast()
                continue
            }
            open[open.count - 1].next.removeLast()
            if isOpen.contains(following) { throw failure(.invalid, "$ref", at: place, "leads back to itself") }
            guard !acyclic.contains(following) else { continue }
            guard open.count <= JSONSchemaConverter.maximumDepth else { throw tooDeep(at: place) }
            isOpen.insert(following)
            open.append((following, try alongside(following)))
        }
    }

    /// The schemas that speak about the same value as another one because that one names them.
    private mutating func alongside(_ place: Int) throws(JSONSchemaError) -> [Int] {
        try spend(1, at: place)
        guard case .object = document[place] else { return [] }
        var places: [Int] = []
        for keyword in ["allOf", "anyOf", "oneOf"] {
            guard let list = document.keyword(keyword, of: place), case .array(let elements) = document[list] else {
                continue
            }
            try spend(elements.count, at: place)
            places += document.children(of: list)
        }
        if let reference = try target(of: place) { places.append(reference) }
        return places
    }

    // MARK: - Limits and errors

    mutating func spend(_ steps: Int, at place: Int) throws(JSONSchemaError) {
        guard budget.spend(steps) else { throw tooLarge(at: place) }
    }

    mutating func spend(on text: String, at place: Int) throws(JSONSchemaError) {
        try spend(ConversionBudget.steps(for: text), at: place)
    }

    func checkSize(at place: Int) throws(JSONSchemaError) {
        if rules.isTooLarge { throw tooLarge(at: place) }
    }

    func tooLarge(at place: Int) -> JSONSchemaError {
        failure(
            .tooLarge, "schema", at: place,
            rules.isTooLarge
                ? "makes the grammar larger than \(GrammarRules.maximumBytes) bytes: use a smaller schema"
                : "combines with too much else to be converted in \(ConversionBudget.most) steps: use a simpler schema")
    }

    private func tooDeep(at place: Int) -> JSONSchemaError {
        failure(.tooLarge, "$ref", at: place, "nests schemas too deep")
    }

    func failure(
        _ code: JSONSchemaError.Code, _ keyword: String, at place: Int, _ message: String
    ) -> JSONSchemaError {
        let keyword = keyword.utf8.count > 100 ? keyword.prefix(50) + "…" : keyword[...]
        return JSONSchemaError(code: code, keyword: String(keyword), path: document.pointer(place), message: message)
    }

    /// What no text fits. The reason is told if nothing else can be written instead.
    mutating func impossibility(_ keyword: String, at place: Int, _ message: String) -> GrammarExpression {
        if firstImpossible == nil { firstImpossible = failure(.invalid, keyword, at: place, message) }
        return .never
    }
}
