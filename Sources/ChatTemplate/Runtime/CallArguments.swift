/// The evaluated arguments of a call.
struct CallArguments {
    var positional: [Value] = []
    var named: [(name: String, value: Value)] = []

    /// Assigns the arguments to parameters; what was not given is `nil`.
    ///
    /// - Parameters:
    ///   - function: The function's name, for messages.
    ///   - names: The parameters in order.
    ///   - required: How many of them have no default.
    /// - Throws: ``ChatTemplateError`` if there are too many, too few or unknown ones.
    func bind(_ function: String, _ names: [String], required: Int = 0) throws(ChatTemplateError) -> [Value?] {
        guard positional.count <= names.count else {
            throw ChatTemplateError(
                .evaluation, "'\(function)' takes at most \(names.count) arguments, got \(positional.count)")
        }
        var values: [Value?] = positional
        values += [Value?](repeating: nil, count: names.count - positional.count)
        for (name, value) in named {
            guard let index = names.firstIndex(of: name) else {
                throw ChatTemplateError(.evaluation, "'\(function)' has no parameter '\(name)'")
            }
            guard values[index] == nil else {
                throw ChatTemplateError(.evaluation, "'\(function)' got two values for '\(name)'")
            }
            values[index] = value
        }
        for index in 0..<required where values[index] == nil {
            throw ChatTemplateError(.evaluation, "'\(function)' needs the argument '\(names[index])'")
        }
        return values
    }

    /// The arguments of a function whose parameters have no names.
    func bindPositional(_ function: String, _ counts: ClosedRange<Int>) throws(ChatTemplateError) -> [Value?] {
        guard named.isEmpty else {
            throw ChatTemplateError(.evaluation, "'\(function)' has no parameter '\(named[0].name)'")
        }
        guard counts.contains(positional.count) else {
            throw ChatTemplateError(
                .evaluation,
                "'\(function)' takes \(counts.lowerBound) to \(counts.upperBound) arguments, got \(positional.count)")
        }
        return positional + [Value?](repeating: nil, count: counts.upperBound - positional.count)
    }
}
