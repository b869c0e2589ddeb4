import OrderedCollections

extension Filters {
    @Sendable static func length(
        _ interpreter: Interpreter, _ value: Value, _ arguments: CallArguments
    ) throws(ChatTemplateError) -> Value {
        _ = try arguments.bind("length", [])
        if case .string(let text) = value { try interpreter.charge(text.utf8.count / 64) }
        guard let length = value.length else {
            throw ChatTemplateError(.evaluation, "a value of type \(value.typeName) has no length")
        }
        return .integer(length)
    }

    @Sendable static func defaultValue(
        _ interpreter: Interpreter, _ value: Value, _ arguments: CallArguments
    ) throws(ChatTemplateError) -> Value {
        let values = try arguments.bind("default", ["default_value", "boolean"])
        let isMissing = value.isUndefined || (values[1]?.isTrue ?? false && !value.isTrue)
        return isMissing ? values[0] ?? .string("") : value
    }

    @Sendable static func list(
        _ interpreter: Interpreter, _ value: Value, _ arguments: CallArguments
    ) throws(ChatTemplateError) -> Value {
        _ = try arguments.bind("list", [])
        return try .list(of: interpreter.elements(of: value))
    }

    @Sendable static func first(
        _ interpreter: Interpreter, _ value: Value, _ arguments: CallArguments
    ) throws(ChatTemplateError) -> Value {
        _ = try arguments.bind("first", [])
        if case .generator(let generator) = value { return generator.next() ?? .undefined("there is no first item") }
        return try interpreter.elements(of: value).first ?? .undefined("there is no first item")
    }

    @Sendable static func last(
        _ interpreter: Interpreter, _ value: Value, _ arguments: CallArguments
    ) throws(ChatTemplateError) -> Value {
        _ = try arguments.bind("last", [])
        if case .generator = value {
            throw ChatTemplateError(.evaluation, "'last' needs a list, not a generator: use 'list' before it")
        }
        return try interpreter.elements(of: value.defined()).last ?? .undefined("there is no last item")
    }

    @Sendable static func reverse(
        _ interpreter: Interpreter, _ value: Value, _ arguments: CallArguments
    ) throws(ChatTemplateError) -> Value {
        _ = try arguments.bind("reverse", [])
        if case .string(let text) = value {
            try interpreter.charge(textBytes: text.utf8.count)
            return .string(String(scalars: text.unicodeScalars.reversed()))
        }
        return try .generator(of: interpreter.elements(of: value).reversed())
    }

    @Sendable static func join(
        _ interpreter: Interpreter, _ value: Value, _ arguments: CallArguments
    ) throws(ChatTemplateError) -> Value {
        let values = try arguments.bind("join", ["d", "attribute"])
        var parts: [String] = []
        for element in try interpreter.elements(of: value) {
            var element = element
            if let attribute = values[1], !attribute.isNone {
                element = try interpreter.attribute(path: attribute, of: element)
            }
            parts.append(try interpreter.text(of: element))
        }
        return .string(try interpreter.join(parts, separator: values[0]?.text ?? ""))
    }

    @Sendable static func items(
        _ interpreter: Interpreter, _ value: Value, _ arguments: CallArguments
    ) throws(ChatTemplateError) -> Value {
        _ = try arguments.bind("items", [])
        if value.isUndefined { return try .generator(of: []) }
        guard case .dictionary(let entries) = value else {
            throw ChatTemplateError(.evaluation, "'items' needs a dictionary, not a value of type \(value.typeName)")
        }
        return try .generator(of: interpreter.pairs(of: entries))
    }

    @Sendable static func sum(
        _ interpreter: Interpreter, _ value: Value, _ arguments: CallArguments
    ) throws(ChatTemplateError) -> Value {
        let values = try arguments.bind("sum", ["attribute", "start"])
        var total = values[1] ?? .integer(0)
        for element in try interpreter.elements(of: value) {
            var element = element
            if let attribute = values[0], !attribute.isNone {
                element = try interpreter.attribute(path: attribute, of: element)
            }
            total = try interpreter.compute(.add, total, element)
        }
        return total
    }

    @Sendable static func batch(
        _ interpreter: Interpreter, _ value: Value, _ arguments: CallArguments
    ) throws(ChatTemplateError) -> Value {
        let values = try arguments.bind("batch", ["linecount", "fill_with"], required: 1)
        guard let size = try optionalInteger(values[0], of: "batch"), size > 0 else {
            throw ChatTemplateError(.evaluation, "'batch' needs a number of elements above 0")
        }
        var batches: [Value] = []
        var rest = try interpreter.elements(of: value)[...]
        while !rest.isEmpty {
            var batch = Array(rest.prefix(size))
            rest = rest.dropFirst(size)
            if let fill = values[1], !fill.isNone, batch.count < size {
                try interpreter.charge(size)
                batch += repeatElement(fill, count: size - batch.count)
            }
            batches.append(try .list(of: batch))
        }
        return try .generator(of: batches)
    }

    /// The elements in a number of lists of about equal length; with a filler the later ones are made as long as the first.
    @Sendable static func slice(
        _ interpreter: Interpreter, _ value: Value, _ arguments: CallArguments
    ) throws(ChatTemplateError) -> Value {
        let values = try arguments.bind("slice", ["slices", "fill_with"], required: 1)
        guard let count = try optionalInteger(values[0], of: "slice"), count > 0 else {
            throw ChatTemplateError(.evaluation, "'slice' needs a number of lists above 0")
        }
        let all = try interpreter.elements(of: value)
        try interpreter.charge(count)
        var slices: [Value] = []
        var rest = all[...]
        for index in 0..<count {
            var part = Array(rest.prefix(all.count / count + (index < all.count % count ? 1 : 0)))
            rest = rest.dropFirst(part.count)
            if let fill = values[1], !fill.isNone, index >= all.count % count { part.append(fill) }
            slices.append(try .list(of: part))
        }
        return try .generator(of: slices)
    }
}

extension Interpreter {
    /// The elements of a value, counted as walked once.
    func elements(of value: Value) throws(ChatTemplateError) -> [Value] {
        switch value {
        case .string(let text): try charge(text.utf8.count)
        case .list(let values), .tuple(let values), .view(let values): try charge(values.items.count / 4)
        case .dictionary(let values): try charge(values.items.count / 4)
        default: break
        }
        return try value.elements()
    }

    /// The entries of a dictionary as tuples.
    func pairs(of entries: Entries) throws(ChatTemplateError) -> [Value] {
        try charge(entries.items.count)
        var pairs: [Value] = []
        pairs.reserveCapacity(entries.items.count)
        for (key, value) in entries.items { pairs.append(try .tuple(of: [key, value])) }
        return pairs
    }

    /// The part of a value that a path such as `function.name` or `0.role` names.
    func attribute(path: Value, of value: Value) throws(ChatTemplateError) -> Value {
        guard case .string(let text) = path else { return try item(path, of: value) }
        var value = value
        for part in text.pythonSplit(separator: ".") {
            try charge()
            let isIndex = !part.isEmpty && part.utf8.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
            let index = isIndex ? Int(part) : nil
            value = try item(index.map(Value.integer) ?? .string(part), of: value)
        }
        return value
    }
}
