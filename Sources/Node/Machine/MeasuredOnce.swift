/// A figure that takes a moment to measure: measured when it is first asked for, once for all who ask.
actor MeasuredOnce<Figure: Sendable> {
    private let measure: @Sendable () async -> Figure
    private var task: Task<Figure, Never>?

    init(_ measure: @escaping @Sendable () async -> Figure) { self.measure = measure }

    var value: Figure {
        get async {
            let task = task ?? Task { [measure] in await measure() }
            self.task = task
            return await task.value
        }
    }
}
