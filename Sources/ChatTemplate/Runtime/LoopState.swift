/// What `loop` is inside a loop: where it is, and what comes before and after.
final class LoopState {
    private var upcoming: ArraySlice<Value>
    /// Elements that pass take part in the loop; asked only when an element is due, as a filter may look at what the body did.
    private var filter: ((Value) throws(ChatTemplateError) -> Bool)?
    private var peeked: Value?
    private(set) var index0 = -1
    let depth0: Int
    private var previous: Value?
    private var current: Value?
    private var lastChanged: [Value]?
    /// Renders the body of a recursive loop for other elements.
    let recurse: ((Value) throws(ChatTemplateError) -> Value)?

    init(
        _ values: [Value], depth0: Int = 0, filter: ((Value) throws(ChatTemplateError) -> Bool)? = nil,
        recurse: ((Value) throws(ChatTemplateError) -> Value)? = nil
    ) {
        upcoming = values[...]
        self.depth0 = depth0
        self.filter = filter
        self.recurse = recurse
    }

    /// Moves on to the next element; `nil` at the end.
    func advance() throws(ChatTemplateError) -> Value? {
        guard let value = try peek() else { return nil }
        peeked = nil
        previous = current
        current = value
        index0 += 1
        return value
    }

    /// Lets go of everything, because values and the loops over them may refer to each other.
    func clear() { (upcoming, filter, peeked, previous, current, lastChanged) = ([], nil, nil, nil, nil, nil) }

    /// The attribute of `loop` with this name; `nil` if there is none.
    func attribute(_ name: String) throws(ChatTemplateError) -> Value? {
        switch name {
        case "index": return .integer(index0 + 1)
        case "index0": return .integer(index0)
        case "first": return .bool(index0 == 0)
        case "last": return .bool(try peek() == nil)
        case "length": return .integer(try length())
        case "revindex": return .integer(try length() - index0)
        case "revindex0": return .integer(try length() - index0 - 1)
        case "depth": return .integer(depth0 + 1)
        case "depth0": return .integer(depth0)
        case "previtem": return previous ?? .undefined("there is no previous item")
        case "nextitem": return try peek() ?? .undefined("there is no next item")
        case "cycle":
            return .function(
                Function("cycle") { [index0] (arguments) throws(ChatTemplateError) in
                    guard !arguments.positional.isEmpty else {
                        throw ChatTemplateError(.evaluation, "'loop.cycle' needs values to cycle through")
                    }
                    return arguments.positional[index0 % arguments.positional.count]
                })
        case "changed":
            return .function(
                Function("changed") { [self] (arguments) throws(ChatTemplateError) in
                    defer { lastChanged = arguments.positional }
                    return .bool(lastChanged != arguments.positional)
                })
        default: return nil
        }
    }

    private func peek() throws(ChatTemplateError) -> Value? {
        if let peeked { return peeked }
        while let value = upcoming.popFirst() {
            if let filter, try !filter(value) { continue }
            peeked = value
            return value
        }
        return nil
    }

    private func length() throws(ChatTemplateError) -> Int {
        if let filter {
            var passing: [Value] = []
            for value in upcoming where try filter(value) { passing.append(value) }
            upcoming = passing[...]
            self.filter = nil
        }
        return index0 + 1 + (peeked == nil ? 0 : 1) + upcoming.count
    }
}
