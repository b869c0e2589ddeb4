import OrderedCollections

// Filters that choose, transform and order elements by a test, a filter or an attribute.
extension Filters {
    @Sendable static func map(
        _ interpreter: Interpreter, _ value: Value, _ arguments: CallArguments
    ) throws(ChatTemplateError) -> Value {
        guard value.isTrue else { return try .generator(of: []) }
        var results: [Value] = []
        if let path = arguments.named.first(where: { $0.name == "attribute" })?.value, arguments.positional.isEmpty {
            let fallback = try CallArguments(named: arguments.named).bind("map", ["attribute", "default"])[1]
            for element in try interpreter.elements(of: value) {
                try interpreter.charge()
                let found = try interpreter.attribute(path: path, of: element)
                results.append(found.isUndefined ? fallback ?? found : found)
            }
        } else {
            guard let name = arguments.positional.first?.stringValue else {
                throw ChatTemplateError(.evaluation, "'map' needs the name of a filter or 'attribute='")
            }
            let rest = CallArguments(
                positional: Array(arguments.positional.dropFirst()), named: arguments.named)
            for element in try interpreter.elements(of: value) {
                try interpreter.charge()
                results.append(try interpreter.filter(name, element, rest))
            }
        }
        return try .generator(of: results)
    }

    @Sendable static func select(
        _ interpreter: Interpreter, _ value: Value, _ arguments: CallArguments
    ) throws(ChatTemplateError) -> Value {
        try choose(interpreter, value, arguments, byAttribute: false, keeping: true)
    }

    @Sendable static func reject(
        _ interpreter: Interpreter, _ value: Value, _ arguments: CallArguments
    ) throws(ChatTemplateError) -> Value {
        try choose(interpreter, value, arguments, byAttribute: false, keeping: false)
    }

    @Sendable static func selectAttribute(
        _ interpreter: Interpreter, _ value: Value, _ arguments: CallArguments
    ) throws(ChatTemplateError) -> Value {
        try choose(interpreter, value, arguments, byAttribute: true, keeping: true)
    }

    @Sendable static func rejectAttribute(
        _ interpreter: Interpreter, _ value: Value, _ arguments: CallArguments
    ) throws(ChatTemplateError) -> Value {
        try choose(interpreter, value, arguments, byAttribute: true, keeping: false)
    }

    private static func choose(
        _ interpreter: Interpreter, _ value: Value, _ arguments: CallArguments, byAttribute: Bool, keeping: Bool
    ) throws(ChatTemplateError) -> Value {
        guard value.isTrue else { return try .generator(of: []) }
        var rest = arguments.positional[...]
        var path: Value?
        if byAttribute {
            path = rest.popFirst()
            guard path != nil else { throw ChatTemplateError(.evaluation, "the name of an attribute is missing") }
        }
        let test = rest.popFirst()
        let testArguments = CallArguments(positional: Array(rest), named: arguments.named)
        var kept: [Value] = []
        for element in try interpreter.elements(of: value) {
            try interpreter.charge()
            let subject =
                try path.map { path throws(ChatTemplateError) in
                    try interpreter.attribute(path: path, of: element)
                } ?? element
            let holds: Bool
            if let test {
                holds = try interpreter.test(test.text, subject, testArguments)
            } else {
                holds = subject.isTrue
            }
            if holds == keeping { kept.append(element) }
        }
        return try .generator(of: kept)
    }

    // MARK: - Order

    @Sendable static func sort(
        _ interpreter: Interpreter, _ value: Value, _ arguments: CallArguments
    ) throws(ChatTemplateError) -> Value {
        let values = try arguments.bind("sort", ["reverse", "case_sensitive", "attribute"])
        let isCaseSensitive = values[1]?.isTrue ?? false
        let paths: [Value] =
            switch values[2] {
            case nil, .some(.none): []
            case .some(.string(let text)): text.pythonSplit(separator: ",").map(Value.string)
            case .some(let path): [path]
            }
        return try .list(
            of: interpreter.sorted(interpreter.elements(of: value), isReversed: values[0]?.isTrue ?? false) {
                (element) throws(ChatTemplateError) in
                var keys: [Value] = []
                for path in paths {
                    keys.append(try interpreter.attribute(path: path, of: element).folded(unless: isCaseSensitive))
                }
                return paths.isEmpty ? element.folded(unless: isCaseSensitive) : try .list(of: keys)
            })
    }

    @Sendable static func dictionarySort(
        _ interpreter: Interpreter, _ value: Value, _ arguments: CallArguments
    ) throws(ChatTemplateError) -> Value {
        let values = try arguments.bind("dictsort", ["case_sensitive", "by", "reverse"])
        guard case .dictionary(let entries) = try value.defined() else {
            throw ChatTemplateError(.evaluation, "'dictsort' needs a dictionary, not a value of type \(value.typeName)")
        }
        let by = try optionalString(values[1], of: "dictsort") ?? "key"
        guard ["key", "value"].contains(by) else {
            throw ChatTemplateError(.evaluation, "'dictsort' sorts by 'key' or 'value', not by '\(by)'")
        }
        let isCaseSensitive = values[0]?.isTrue ?? false
        return try .list(
            of: interpreter.sorted(interpreter.pairs(of: entries), isReversed: values[2]?.isTrue ?? false) {
                (pair) throws(ChatTemplateError) in
                try pair.elements()[by == "key" ? 0 : 1].folded(unless: isCaseSensitive)
            })
    }

    @Sendable static func minimum(
        _ interpreter: Interpreter, _ value: Value, _ arguments: CallArguments
    ) throws(ChatTemplateError) -> Value {
        try extreme(interpreter, value, arguments, isMaximum: false)
    }

    @Sendable static func maximum(
        _ interpreter: Interpreter, _ value: Value, _ arguments: CallArguments
    ) throws(ChatTemplateError) -> Value {
        try extreme(interpreter, value, arguments, isMaximum: true)
    }

    private static func extreme(
        _ interpreter: Interpreter, _ value: Value, _ arguments: CallArguments, isMaximum: Bool
    ) throws(ChatTemplateError) -> Value {
        let values = try arguments.bind(isMaximum ? "max" : "min", ["case_sensitive", "attribute"])
        let isCaseSensitive = values[0]?.isTrue ?? false
        var best: (key: Value, value: Value)?
        for element in try interpreter.elements(of: value) {
            var key = element
            if let path = values[1], !path.isNone { key = try interpreter.attribute(path: path, of: element) }
            key = key.folded(unless: isCaseSensitive)
            if let current = best {
                let isBetter = try interpreter.compare(isMaximum ? .greater : .less, key, current.key)
                if isBetter { best = (key, element) }
            } else {
                best = (key, element)
            }
        }
        return best?.value ?? .undefined("the sequence is empty")
    }

    // MARK: - Groups

    @Sendable static func unique(
        _ interpreter: Interpreter, _ value: Value, _ arguments: CallArguments
    ) throws(ChatTemplateError) -> Value {
        let values = try arguments.bind("unique", ["case_sensitive", "attribute"])
        let isCaseSensitive = values[0]?.isTrue ?? false
        var seen: Set<Value> = []
        var kept: [Value] = []
        for element in try interpreter.elements(of: value) {
            var key = element
            if let path = values[1], !path.isNone { key = try interpreter.attribute(path: path, of: element) }
            guard key.isHashable else {
                throw ChatTemplateError(.evaluation, "'unique' cannot compare values of type \(key.typeName)")
            }
            try interpreter.charge(key.weight)
            if seen.insert(key.folded(unless: isCaseSensitive)).inserted { kept.append(element) }
        }
        return try .generator(of: kept)
    }

    /// Pairs of an attribute's value and the elements that have it, in the order of the values.
    @Sendable static func group(
        _ interpreter: Interpreter, _ value: Value, _ arguments: CallArguments
    ) throws(ChatTemplateError) -> Value {
        let values = try arguments.bind("groupby", ["attribute", "default", "case_sensitive"], required: 1)
        let isCaseSensitive = values[2]?.isTrue ?? false
        func key(of element: Value) throws(ChatTemplateError) -> Value {
            let found = try interpreter.attribute(path: values[0] ?? .none, of: element)
            return found.isUndefined ? values[1] ?? found : found
        }
        let sorted = try interpreter.sorted(interpreter.elements(of: value), isReversed: false) {
            (element) throws(ChatTemplateError) in
            try key(of: element).folded(unless: isCaseSensitive)
        }
        var groups: [(key: Value, elements: [Value])] = []
        for element in sorted {
            let key = try key(of: element)
            let folded = key.folded(unless: isCaseSensitive)
            if let last = groups.last, try interpreter.compare(.equal, last.key.folded(unless: isCaseSensitive), folded)
            {
                groups[groups.count - 1].elements.append(element)
            } else {
                groups.append((key, [element]))
            }
        }
        var pairs: [Value] = []
        for group in groups { pairs.append(try .tuple(of: [group.key, try .list(of: group.elements)])) }
        return try .list(of: pairs)
    }

    /// The attribute or method of a value, but never a dictionary's entry.
    @Sendable static func attribute(
        _ interpreter: Interpreter, _ value: Value, _ arguments: CallArguments
    ) throws(ChatTemplateError) -> Value {
        let name = try arguments.bind("attr", ["name"], required: 1)[0]?.text ?? ""
        if case .dictionary = value, Methods.method(name, of: value) == nil {
            return .undefined("a value of type dict has no attribute '\(name)'")
        }
        return try interpreter.attribute(name, of: value)
    }
}

extension Interpreter {
    /// The values in order, charged for by their number and weight.
    fileprivate func sorted(
        _ values: [Value], isReversed: Bool, by key: (Value) throws(ChatTemplateError) -> Value
    ) throws(ChatTemplateError) -> [Value] {
        let weight = values.reduce(0) { $0.saturatingAdding($1.weight) }
        try charge(weight.saturatingMultiplied(by: 2 + Int.bitWidth - values.count.leadingZeroBitCount))
        return try Value.sorted(values, isReversed: isReversed, by: key)
    }
}

extension Value {
    /// Strings in lower case, unless case counts; everything else as it is.
    fileprivate func folded(unless isCaseSensitive: Bool) -> Value {
        if !isCaseSensitive, case .string(let text) = self { .string(text.lowercased()) } else { self }
    }
}
