/// Round-trip times of one peer, from its echoes.
package struct RoundTrip: Sendable {
    /// How many samples the minimum looks back over.
    static let window = 10
    /// Weight of a new sample in the smoothed time, as in RFC 6298.
    static let weight = 0.125

    private var recent: [Duration] = []
    /// Exponentially weighted moving average.
    package private(set) var smoothed: Duration?

    package init() {}

    /// The shortest of the latest samples: what the way costs when nothing is in it.
    package var minimum: Duration? { recent.min() }

    mutating func add(_ sample: Duration) {
        if recent.count == Self.window { recent.removeFirst() }
        recent.append(sample)
        smoothed = smoothed.map { $0 + (sample - $0) * Self.weight } ?? sample
    }
}

extension Duration {
    /// As a plain number.
    package var milliseconds: Double {
        Double(components.seconds) * 1000 + Double(components.attoseconds) / 1e15
    }
}
