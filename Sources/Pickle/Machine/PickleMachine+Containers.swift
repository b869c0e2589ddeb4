/// What makes and fills containers, and what that costs.
extension PickleMachine {
    // MARK: Costs

    /// What a container, a tensor and so on take besides their elements, in values; of the classes whose empty objects are
    /// large in Python, more.
    enum Cost {
        static let container = 3
        static let object = 8
    }

    /// Counts values that an opcode looks at.
    mutating func look(at count: Int) throws {
        lookedAt += count
        guard lookedAt <= limits.work else {
            throw fault(.tooLarge, "the pickle goes over its values too often, more than \(limits.work) in all")
        }
    }

    /// Counts values that are kept until the pickle ends.
    mutating func keep(_ count: Int) throws {
        keptValues += count
        guard keptValues <= limits.keptValues else {
            throw fault(.tooLarge, "the pickle makes more than \(limits.keptValues) values")
        }
    }

    // MARK: Containers

    /// The value itself, unless it is a function: those are called or they are hiding.
    func plain(_ value: PickleValue) throws -> PickleValue {
        guard case .global(let global) = value else { return value }
        switch global.role {
        case .elementType, .storageType: return value
        default: throw fault(.forbiddenCall, "\(global) is handed on as a value")
        }
    }

    func plain(_ values: [PickleValue]) throws -> [PickleValue] {
        for value in values { _ = try plain(value) }
        return values
    }

    /// A new container.
    mutating func make(_ elements: [PickleValue], cost: Int = Cost.container) throws -> Int {
        try keep(elements.count + cost)
        return heap.make(elements, depth: try depth(holding: elements))
    }

    /// Adds elements to a container. Python's pickler fills a container before it puts it into another, unless it lies in
    /// itself, which is refused: so is the depth of each known.
    mutating func add(_ elements: [PickleValue], to place: Int) throws {
        try keep(elements.count)
        heap.deepen(place, to: try depth(holding: elements))
        guard !heap.isHeld(place) else {
            throw fault(.malformed, "a container is changed that already lies in another, or in itself")
        }
        heap.append(elements, to: place)
    }

    /// How deep a container is that gets these elements.
    mutating func depth(holding elements: [PickleValue]) throws -> Int {
        let depth = heap.hold(elements) + 1
        guard depth <= limits.depth else {
            throw fault(.tooLarge, "containers lie in one another more than \(limits.depth) deep")
        }
        return depth
    }

    mutating func pushTuple(_ elements: [PickleValue]) throws {
        try push(.tuple(try make(try plain(elements))))
    }

    /// Adds keys and values, in turn, to the dictionary that is uppermost.
    mutating func setItems(_ elements: [PickleValue]) throws {
        let place: Int
        switch try top() {
        case .dictionary(let known), .orderedDictionary(let known): place = known
        case let other: throw fault(.malformed, "items are set in \(other.kind)")
        }
        try add(try pairs(elements), to: place)
    }

    mutating func pairs(_ elements: [PickleValue]) throws -> [PickleValue] {
        guard elements.count.isMultiple(of: 2) else { throw fault(.malformed, "a key has no value") }
        for index in stride(from: 0, to: elements.count, by: 2) { try check(key: elements[index]) }
        return try plain(elements)
    }

    /// Refuses keys but texts, numbers, truth values, None, and short tuples of these.
    private mutating func check(key: PickleValue) throws {
        if case .tuple(let place) = key {
            try look(at: min(heap[place].count, 32))
            if heap[place].count <= 32, heap[place].allSatisfy(\.isSimpleKey) { return }
        } else if key.isSimpleKey {
            return
        }
        throw fault(.malformed, "\(key.kind) is used as a key")
    }

    /// Adds elements to the list that is uppermost.
    mutating func appendToList(_ elements: [PickleValue]) throws {
        guard case .list(let place) = try top() else {
            throw fault(.malformed, "elements are appended to \(try top().kind)")
        }
        try add(try plain(elements), to: place)
    }

    /// Reads what is put into a set, whose elements are kept as keys are.
    mutating func check(setElements elements: [PickleValue]) throws {
        try keep(elements.count)
        for element in elements { try check(key: element) }
    }
}
