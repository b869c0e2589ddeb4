/// The containers of a pickle: what is in each, in order; dictionaries hold keys and values in turn.
///
/// Nothing in it is ever freed, so `PickleMachine` counts what it puts in.
struct PickleHeap {
    private struct Container {
        var elements: [PickleValue]
        /// How many containers lie in one another here, this one included.
        var depth: Int32
        var isHeld = false
    }

    private var containers: [Container] = []

    subscript(place: Int) -> [PickleValue] { containers[place].elements }

    /// Whether it lies in another container.
    func isHeld(_ place: Int) -> Bool { containers[place].isHeld }

    mutating func make(_ elements: [PickleValue], depth: Int) -> Int {
        containers.append(Container(elements: elements, depth: Int32(depth)))
        return containers.count - 1
    }

    mutating func append(_ elements: [PickleValue], to place: Int) {
        containers[place].elements += elements
    }

    /// Notes that these values lie in a container.
    /// - Returns: the depth of the deepest.
    mutating func hold(_ elements: [PickleValue]) -> Int {
        var depth: Int32 = 0
        for place in elements.lazy.compactMap(\.place) {
            containers[place].isHeld = true
            depth = max(depth, containers[place].depth)
        }
        return Int(depth)
    }

    mutating func deepen(_ place: Int, to depth: Int) {
        containers[place].depth = max(containers[place].depth, Int32(depth))
    }
}
