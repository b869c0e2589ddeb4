/// Reads statements from tokens.
///
/// The grammar and its precedences are those of `jinja2/parser.py`, with the tags `break`, `continue` and `generation` that chat
/// templates use besides.
struct Parser {
    let tokens: [Token]
    let limits: ChatTemplateLimits
    var index = 0
    /// How deep the parser is in expressions and blocks, so that neither it nor the interpreter exhausts the stack.
    var nesting = 0
    private let stack = StackGuard()
    /// Loops around the current statement inside its macro, where `break` and `continue` are allowed.
    private var openLoops = 0
    /// For each macro around the current expression, which special names were mentioned in it.
    private var mentions: [Set<String>] = []
    /// Tags that are open, for messages.
    private var openTags: [(name: String, line: Int)] = []

    init(tokens: [Token], limits: ChatTemplateLimits) {
        self.tokens = tokens
        self.limits = limits
    }

    mutating func template() throws(ChatTemplateError) -> [Statement] {
        let statements = try statements(until: [])
        guard case .endOfTemplate = current.kind else { throw unexpected(expecting: "a statement") }
        return statements
    }

    // MARK: - Statements

    /// Reads statements up to a tag named in `ends`, whose name is then the current token.
    private mutating func statements(until ends: Set<String>) throws(ChatTemplateError) -> [Statement] {
        let saved = nesting
        defer { nesting = saved }
        try deepen()
        var result: [Statement] = []
        while true {
            let line = current.line
            switch current.kind {
            case .data(let text):
                advance()
                result.append(Statement(line: line, kind: .text(text)))
            case .variableBegin:
                advance()
                let value = try tupleOrExpression()
                guard case .variableEnd = current.kind else { throw unexpected(expecting: "'}}'") }
                advance()
                result.append(Statement(line: line, kind: .print(value)))
            case .blockBegin:
                advance()
                guard case .name(let name) = current.kind else { throw unexpected(expecting: "the name of a tag") }
                if ends.contains(name) { return result }
                openTags.append((name, line))
                let outside = nesting
                result += try statement(name, line: line)
                nesting = outside
                openTags.removeLast()
                guard case .blockEnd = current.kind else { throw unexpected(expecting: "'%}'") }
                advance()
            case .endOfTemplate:
                guard let open = openTags.last else { return result }
                throw ChatTemplateError(.syntax, "the tag '\(open.name)' is not closed", line: open.line)
            default:
                throw unexpected(expecting: "text or a tag")
            }
        }
    }

    /// Reads the rest of a tag, its body up to a tag named in `ends`, and steps over that name.
    private mutating func body(until ends: Set<String>) throws(ChatTemplateError) -> (
        statements: [Statement], end: String
    ) {
        _ = skip(.colon)
        guard case .blockEnd = current.kind else { throw unexpected(expecting: "'%}'") }
        advance()
        let body = try statements(until: ends)
        return (body, try name())
    }

    private mutating func statement(_ tag: String, line: Int) throws(ChatTemplateError) -> [Statement] {
        advance()
        let kind: Statement.Kind
        switch tag {
        case "if": kind = try conditional()
        case "for": kind = try loop()
        case "set": kind = try assignment()
        case "macro":
            let name = try name()
            kind = .macro(try macro(named: name, parameters: try parameters(), end: "endmacro"))
        case "call": kind = try callBlock()
        case "filter":
            let filter = try filterChain(nil, startsInline: true)
            kind = .filterBlock(filter, body: try body(until: ["endfilter"]).statements)
        case "with": kind = try with()
        case "generation": kind = .scope(try body(until: ["endgeneration"]).statements)
        case "block":
            let name = try name()
            while skip(name: "scoped") || skip(name: "required") {}
            kind = .scope(try body(until: ["endblock"]).statements)
            _ = skip(name: name)
        case "print": return try printStatement(line: line)
        case "break", "continue":
            guard openLoops > 0 else { throw failure("'\(tag)' stands outside of a loop") }
            kind = tag == "break" ? .breakLoop : .continueLoop
        case "extends", "include", "import", "from":
            skipToBlockEnd()
            kind = .forbidden("'\(tag)' needs other templates, and a chat template has none")
        default: throw unknownTag(tag)
        }
        return [Statement(line: line, kind: kind)]
    }

    private mutating func conditional() throws(ChatTemplateError) -> Statement.Kind {
        var branches: [(condition: Expression, body: [Statement])] = []
        while true {
            let condition = try tupleOrExpression(allowsConditional: false)
            let (body, end) = try body(until: ["elif", "else", "endif"])
            branches.append((condition, body))
            switch end {
            case "elif": continue
            case "else": return .conditional(branches, otherwise: try self.body(until: ["endif"]).statements)
            default: return .conditional(branches, otherwise: [])
            }
        }
    }

    private mutating func loop() throws(ChatTemplateError) -> Statement.Kind {
        let target = try target(endingAt: "in")
        guard skip(name: "in") else { throw unexpected(expecting: "'in'") }
        let iterable = try tupleOrExpression(allowsConditional: false, endingAt: "recursive")
        let filter = skip(name: "if") ? try expression() : nil
        let isRecursive = skip(name: "recursive")
        openLoops += 1
        let (body, end) = try body(until: ["endfor", "else"])
        openLoops -= 1
        let otherwise = end == "else" ? try self.body(until: ["endfor"]).statements : []
        return .loop(
            Statement.Loop(
                target: target, iterable: iterable, filter: filter, isRecursive: isRecursive, body: body,
                otherwise: otherwise))
    }

    private mutating func assignment() throws(ChatTemplateError) -> Statement.Kind {
        let target = try target(allowsNamespace: true)
        if skip(.assign) { return .assign(target, try tupleOrExpression()) }
        var filter: Expression?
        if case .symbol(.pipe) = current.kind { filter = try filterChain(nil) }
        return .assignBlock(target, filter: filter, body: try body(until: ["endset"]).statements)
    }

    private mutating func with() throws(ChatTemplateError) -> Statement.Kind {
        var values: [(target: Statement.Target, value: Expression)] = []
        while current.kind != .blockEnd {
            if !values.isEmpty { try expect(.comma) }
            let target = try target()
            try expect(.assign)
            values.append((target, try expression()))
        }
        return .with(values, body: try body(until: ["endwith"]).statements)
    }

    private mutating func printStatement(line: Int) throws(ChatTemplateError) -> [Statement] {
        var values: [Statement] = []
        while current.kind != .blockEnd {
            if !values.isEmpty { try expect(.comma) }
            values.append(Statement(line: line, kind: .print(try expression())))
        }
        return values
    }

    // MARK: - Macros

    private mutating func callBlock() throws(ChatTemplateError) -> Statement.Kind {
        let hasParameters = current.kind == .symbol(.leftParenthesis)
        let parameters = hasParameters ? try parameters() : []
        let call = try expression()
        guard case .call = call.kind else { throw failure("a call block needs a call, such as 'call name()'") }
        return .callBlock(call: call, caller: try macro(named: "caller", parameters: parameters, end: "endcall"))
    }

    private mutating func parameters() throws(ChatTemplateError) -> [(name: String, defaultValue: Expression?)] {
        var parameters: [(name: String, defaultValue: Expression?)] = []
        try expect(.leftParenthesis)
        while current.kind != .symbol(.rightParenthesis) {
            if !parameters.isEmpty { try expect(.comma) }
            let name = try name()
            let defaultValue = skip(.assign) ? try expression() : nil
            if defaultValue == nil, parameters.last?.defaultValue != nil {
                throw failure("the parameter '\(name)' without a default follows one with a default")
            }
            parameters.append((name, defaultValue))
        }
        advance()
        return parameters
    }

    private mutating func macro(
        named name: String, parameters: [(name: String, defaultValue: Expression?)], end: String
    ) throws(ChatTemplateError) -> Statement.Macro {
        mentions.append([])
        let loops = openLoops
        openLoops = 0
        let body = try body(until: [end]).statements
        openLoops = loops
        let mentioned = mentions.removeLast()
        return Statement.Macro(
            name: name, parameters: parameters, body: body, mentions: mentioned.subtracting(parameters.map(\.name)))
    }

    /// Notes that a name was read, for the macros around it.
    mutating func note(mention name: String) {
        guard ["varargs", "kwargs", "caller"].contains(name) else { return }
        for index in mentions.indices { mentions[index].insert(name) }
    }

    // MARK: - Targets

    /// Reads what is assigned to: a name, an attribute of a namespace, or several of them.
    private mutating func target(
        endingAt end: String? = nil, allowsNamespace: Bool = false
    ) throws(ChatTemplateError) -> Statement.Target {
        let saved = nesting
        defer { nesting = saved }
        try deepen()
        var targets: [Statement.Target] = []
        var isTuple = false
        while true {
            if let end, case .name(end) = current.kind { break }
            if !targets.isEmpty, !isTargetStart { break }
            targets.append(try singleTarget(allowsNamespace: allowsNamespace))
            guard skip(.comma) else { break }
            isTuple = true
        }
        guard let first = targets.first else { throw unexpected(expecting: "a name to assign to") }
        return isTuple ? .tuple(targets) : first
    }

    private var isTargetStart: Bool {
        switch current.kind {
        case .name, .symbol(.leftParenthesis): true
        default: false
        }
    }

    private mutating func singleTarget(allowsNamespace: Bool) throws(ChatTemplateError) -> Statement.Target {
        if skip(.leftParenthesis) {
            let inner = try target(allowsNamespace: allowsNamespace)
            try expect(.rightParenthesis)
            return inner
        }
        let name = try name()
        if ["true", "false", "none", "True", "False", "None"].contains(name) {
            throw failure("'\(name)' cannot be assigned to")
        }
        if allowsNamespace, skip(.dot) { return .namespaceAttribute(name, try self.name()) }
        return .name(name)
    }

    // MARK: - Tokens

    var current: Token { tokens[index] }

    var next: Token { tokens[min(index + 1, tokens.count - 1)] }

    mutating func advance() {
        if index < tokens.count - 1 { index += 1 }
    }

    mutating func skip(_ symbol: Token.Symbol) -> Bool {
        guard current.kind == .symbol(symbol) else { return false }
        advance()
        return true
    }

    mutating func skip(name: String) -> Bool {
        guard current.kind == .name(name) else { return false }
        advance()
        return true
    }

    mutating func expect(_ symbol: Token.Symbol) throws(ChatTemplateError) {
        guard skip(symbol) else { throw unexpected(expecting: "'\(symbol.rawValue)'") }
    }

    mutating func name() throws(ChatTemplateError) -> String {
        guard case .name(let name) = current.kind else { throw unexpected(expecting: "a name") }
        advance()
        return name
    }

    private mutating func skipToBlockEnd() {
        while current.kind != .blockEnd, current.kind != .endOfTemplate { advance() }
    }

    /// Counts one more level of nesting; the caller restores `nesting`.
    mutating func deepen() throws(ChatTemplateError) {
        nesting += 1
        guard nesting <= limits.nesting else {
            throw ChatTemplateError(
                .limitExceeded, "expressions or blocks are nested deeper than \(limits.nesting)", line: current.line)
        }
        try stack.check()
    }

    func failure(_ message: String) -> ChatTemplateError { ChatTemplateError(.syntax, message, line: current.line) }

    func unexpected(expecting expectation: String) -> ChatTemplateError {
        failure("expected \(expectation), found \(current.description)")
    }

    private func unknownTag(_ tag: String) -> ChatTemplateError {
        guard openTags.count > 1 else { return failure("unknown tag '\(tag)'") }
        let open = openTags[openTags.count - 2]
        return failure("unexpected tag '\(tag)' inside of '\(open.name)' of line \(open.line)")
    }
}
