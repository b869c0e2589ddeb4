/// Renders a template once.
///
/// It walks the statements, keeps the variables in a chain of scopes, and counts what it does so that every template ends.
final class Interpreter {
    let limits: ChatTemplateLimits
    /// The clock of `strftime_now`.
    let clock: TemplateClock
    /// Where the last evaluated expression stands, for errors.
    private(set) var line = 1
    private var stepsLeft: Int
    private var depth = 0
    private let stack = StackGuard()
    private var output = ""
    private(set) var scope: Scope
    // What may refer to itself, to be taken apart in the end.
    private var scopesWithMacros: [Scope] = []
    private var namespaces: [Namespace] = []
    private var loops: [LoopState] = []

    /// How a statement ended.
    private enum Completion {
        case normal
        case breakLoop
        case continueLoop
    }

    init(variables: [String: Value], clock: TemplateClock, limits: ChatTemplateLimits) {
        self.limits = limits
        self.clock = clock
        stepsLeft = limits.steps
        scope = Scope(parent: nil)
        let globals = scope
        for (name, value) in self.globals { globals.set(name, value) }
        for (name, value) in variables { globals.set(name, value) }
        scope = Scope(parent: globals)
        scopesWithMacros = [globals, scope]
    }

    func render(_ statements: [Statement]) throws(ChatTemplateError) -> String {
        defer {
            for scope in scopesWithMacros { scope.clear() }
            for namespace in namespaces { namespace.attributes = [:] }
            for loop in loops { loop.clear() }
        }
        do throws(ChatTemplateError) {
            _ = try execute(statements)
        } catch {
            var error = error
            if error.line == nil { error.line = line }
            throw error
        }
        return output
    }

    func makeNamespace(_ attributes: [String: Value]) throws(ChatTemplateError) -> Value {
        try charge(16)
        let namespace = Namespace(attributes)
        namespaces.append(namespace)
        return .namespace(namespace)
    }

    // MARK: - Limits

    /// Counts work that was done or is about to be done.
    func charge(_ steps: Int = 1) throws(ChatTemplateError) {
        guard steps <= stepsLeft else {
            throw ChatTemplateError(.limitExceeded, "the template needs more than \(limits.steps) steps")
        }
        stepsLeft -= steps
    }

    /// Counts a string that an operation is about to make.
    func charge(textBytes: Int) throws(ChatTemplateError) {
        guard textBytes <= limits.textBytes else {
            throw ChatTemplateError(.limitExceeded, "the template makes a text of more than \(limits.textBytes) bytes")
        }
        try charge(textBytes / 8)
    }

    /// Evaluates `body` one level deeper.
    private func nested<Result>(
        line: Int, _ body: () throws(ChatTemplateError) -> Result
    ) throws(ChatTemplateError) -> Result {
        self.line = line
        depth += 1
        defer { depth -= 1 }
        guard depth <= limits.recursion else {
            throw ChatTemplateError(.limitExceeded, "the template recurses deeper than \(limits.recursion) levels")
        }
        try stack.check()
        try charge()
        return try body()
    }

    func evaluate(_ expression: Expression) throws(ChatTemplateError) -> Value {
        try nested(line: expression.line) { () throws(ChatTemplateError) in try value(of: expression) }
    }

    // MARK: - Output

    private func write(_ text: String) throws(ChatTemplateError) {
        try charge(textBytes: text.utf8.count)
        guard output.utf8.count + text.utf8.count <= limits.textBytes else {
            throw ChatTemplateError(.limitExceeded, "the template prints more than \(limits.textBytes) bytes")
        }
        output += text
    }

    /// What `body` prints, with variables of its own, instead of printing it.
    private func capture(_ statements: [Statement], in inner: Scope) throws(ChatTemplateError) -> String {
        let outer = output
        output = ""
        defer { output = outer }
        _ = try execute(statements, in: inner)
        return output
    }

    // MARK: - Statements

    private func execute(_ statements: [Statement], in inner: Scope) throws(ChatTemplateError) -> Completion {
        let outer = scope
        scope = inner
        defer { scope = outer }
        return try execute(statements)
    }

    private func execute(_ statements: [Statement]) throws(ChatTemplateError) -> Completion {
        for statement in statements {
            let completion = try nested(line: statement.line) { () throws(ChatTemplateError) in
                try execute(statement)
            }
            if completion != .normal { return completion }
        }
        return .normal
    }

    private func execute(_ statement: Statement) throws(ChatTemplateError) -> Completion {
        switch statement.kind {
        case .text(let text): try write(text)
        case .print(let expression): try write(try text(of: try evaluate(expression)))
        case .conditional(let branches, let otherwise): return try execute(branches, otherwise: otherwise)
        case .loop(let loop): return try execute(loop, over: try evaluate(loop.iterable), depth0: 0)
        case .assign(let target, let expression): try assign(try evaluate(expression), to: target)
        case .assignBlock(let target, let filter, let body):
            let text = try capture(body, in: Scope(parent: scope))
            try assign(try apply(filter, to: text), to: target)
        case .macro(let macro):
            scopesWithMacros.append(scope)
            scope.set(macro.name, .function(function(for: macro)))
        case .callBlock(let call, let caller): try execute(call, caller: caller)
        case .filterBlock(let filter, let body):
            let text = try capture(body, in: Scope(parent: scope))
            try write(try apply(filter, to: text).text)
        case .with(let values, let body):
            let inner = Scope(parent: scope)
            for (target, expression) in values { try assign(try evaluate(expression), to: target, in: inner) }
            return try execute(body, in: inner)
        case .scope(let body): return try execute(body, in: Scope(parent: scope))
        case .breakLoop: return .breakLoop
        case .continueLoop: return .continueLoop
        case .forbidden(let message): throw ChatTemplateError(.forbidden, message)
        }
        return .normal
    }

    private func execute(
        _ branches: [(condition: Expression, body: [Statement])], otherwise: [Statement]
    ) throws(ChatTemplateError) -> Completion {
        for (condition, body) in branches where try evaluate(condition).isTrue { return try execute(body) }
        return try execute(otherwise)
    }

    private func execute(
        _ loop: Statement.Loop, over iterable: Value, depth0: Int
    ) throws(ChatTemplateError) -> Completion {
        let outer = scope
        var filter: ((Value) throws(ChatTemplateError) -> Bool)?
        if let condition = loop.filter {
            filter = { [unowned self] (value) throws(ChatTemplateError) in
                let saved = scope
                scope = Scope(parent: outer)
                defer { scope = saved }
                try assign(value, to: loop.target)
                return try evaluate(condition).isTrue
            }
        }
        var recurse: ((Value) throws(ChatTemplateError) -> Value)?
        if loop.isRecursive {
            recurse = { [unowned self] (iterable) throws(ChatTemplateError) in
                let (printed, saved) = (output, scope)
                output = ""
                scope = outer
                defer { (output, scope) = (printed, saved) }
                _ = try nested(line: line) { () throws(ChatTemplateError) in
                    try execute(loop, over: iterable, depth0: depth0 + 1)
                }
                return .string(output)
            }
        }
        let state = LoopState(try elements(of: iterable), depth0: depth0, filter: filter, recurse: recurse)
        loops.append(state)
        while let value = try state.advance() {
            try charge()
            let inner = Scope(parent: outer, variables: ["loop": .loop(state)])
            try assign(value, to: loop.target, in: inner)
            if try execute(loop.body, in: inner) == .breakLoop { break }
        }
        return state.index0 < 0 ? try execute(loop.otherwise, in: Scope(parent: outer)) : .normal
    }

    private func apply(_ filter: Expression?, to text: String) throws(ChatTemplateError) -> Value {
        guard let filter else { return .string(text) }
        return try nested(line: filter.line) { () throws(ChatTemplateError) in
            try value(of: filter, filtering: .string(text))
        }
    }

    // MARK: - Assignment

    private func assign(
        _ value: Value, to target: Statement.Target, in scope: Scope? = nil
    ) throws(ChatTemplateError) {
        let scope = scope ?? self.scope
        switch target {
        case .name(let name): scope.set(name, value)
        case .namespaceAttribute(let name, let attribute):
            guard case .namespace(let namespace) = scope.lookUp(name) else {
                throw ChatTemplateError(
                    .evaluation, "'\(name).\(attribute)' cannot be assigned to: '\(name)' is no namespace")
            }
            namespace.attributes[attribute] = value
        case .tuple(let targets):
            let values = try elements(of: value.defined())
            guard values.count == targets.count else {
                throw ChatTemplateError(
                    .evaluation, "\(targets.count) names cannot be assigned from \(values.count) values")
            }
            for (target, value) in zip(targets, values) { try assign(value, to: target, in: scope) }
        }
    }

    // MARK: - Macros

    /// Calls a macro with the body of a call block as its `caller`.
    private func execute(_ call: Expression, caller: Statement.Macro) throws(ChatTemplateError) {
        guard case .call(let callee, let arguments) = call.kind else { return }
        let function = try evaluate(callee)
        var values = try evaluate(arguments)
        values.named.append(("caller", .function(self.function(for: caller))))
        try write(try text(of: try self.call(function, values)))
    }

    private func function(for macro: Statement.Macro) -> Function {
        let definition = scope
        return Function(macro.name) { [unowned self] (arguments) throws(ChatTemplateError) in
            let inner = Scope(parent: definition)
            try bind(arguments, to: macro, in: inner)
            return .string(try capture(macro.body, in: inner))
        }
    }

    private func bind(
        _ arguments: CallArguments, to macro: Statement.Macro, in inner: Scope
    ) throws(ChatTemplateError) {
        var named = arguments.named
        let outer = scope
        scope = inner
        defer { scope = outer }
        for (index, parameter) in macro.parameters.enumerated() {
            if index < arguments.positional.count {
                inner.set(parameter.name, arguments.positional[index])
            } else if let given = named.firstIndex(where: { $0.name == parameter.name }) {
                inner.set(parameter.name, named.remove(at: given).value)
            } else if let expression = parameter.defaultValue {
                inner.set(parameter.name, try evaluate(expression))
            } else {
                inner.set(parameter.name, .undefined("the parameter '\(parameter.name)' was not given"))
            }
        }
        if macro.mentions.contains("caller") {
            let given = named.firstIndex { $0.name == "caller" }
            inner.set("caller", given.map { named.remove(at: $0).value } ?? .undefined("no caller is defined"))
        }
        if macro.mentions.contains("kwargs") {
            inner.set("kwargs", try .dictionary(of: named))
        } else if let unknown = named.first {
            throw ChatTemplateError(.evaluation, "the macro '\(macro.name)' has no parameter '\(unknown.name)'")
        }
        let surplus = arguments.positional.dropFirst(macro.parameters.count)
        if macro.mentions.contains("varargs") {
            inner.set("varargs", try .tuple(of: Array(surplus)))
        } else if !surplus.isEmpty {
            throw ChatTemplateError(
                .evaluation, "the macro '\(macro.name)' takes at most \(macro.parameters.count) arguments")
        }
    }
}
