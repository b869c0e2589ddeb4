/// Variables of the template, of one round of a loop, or of one call of a macro; what is not here is looked up further out.
final class Scope {
    private var variables: [String: Value]
    private let parent: Scope?

    init(parent: Scope?, variables: [String: Value] = [:]) {
        self.parent = parent
        self.variables = variables
    }

    func lookUp(_ name: String) -> Value? {
        var scope: Scope? = self
        while let current = scope {
            if let value = current.variables[name] { return value }
            scope = current.parent
        }
        return nil
    }

    func set(_ name: String, _ value: Value) { variables[name] = value }

    /// Lets go of everything, because a macro and the scope that holds it refer to each other.
    func clear() { variables = [:] }
}
