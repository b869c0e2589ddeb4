import Timing

/// A figure that takes a moment to measure: measured when it is first asked for, once for all who ask, and again later where that brought
/// nothing.
actor LazyMeasurement<Figure: Sendable> {
    /// How long nothing is measured after a measurement in vain.
    static var pause: Duration { .seconds(60) }

    private let clock: NodeClock
    private let measure: @Sendable () async -> Figure?
    private var known: Figure?
    private var task: Task<Figure?, Never>?
    private var notBefore: Duration?

    init(clock: NodeClock = .system, _ measure: @escaping @Sendable () async -> Figure?) {
        self.clock = clock
        self.measure = measure
    }

    /// - Parameter mayBegin: whether this is a moment to measure; what is known is told at any time.
    /// - Returns: nil for what is not known.
    func value(mayBegin: Bool) async -> Figure? {
        if let known { return known }
        if task == nil {
            guard mayBegin, clock.now() >= notBefore ?? .zero else { return nil }
            task = Task { [measure] in await measure() }
        }
        let figure = await task?.value ?? nil
        if let figure {
            known = figure
        } else {
            notBefore = clock.now() + Self.pause
        }
        task = nil
        return known
    }
}
