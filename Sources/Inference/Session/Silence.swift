import Synchronization

/// For how many ticks nothing has come from somewhere. Counting ticks, not time, leaves out times in which this process
/// itself did not run.
final class Silence: Sendable {
    private let count = Atomic<Int>(0)

    var ticks: Int { count.load(ordering: .relaxed) }

    /// Something came.
    func end() { count.store(0, ordering: .relaxed) }

    /// Another tick without anything.
    @discardableResult
    func grow() -> Int { count.wrappingAdd(1, ordering: .relaxed).newValue }
}
