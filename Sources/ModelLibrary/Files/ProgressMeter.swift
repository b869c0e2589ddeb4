import Synchronization

/// Adds up bytes and reports them, at most about two hundred times per phase.
final class ProgressMeter: Sendable {
    private struct State {
        var completed: UInt64 = 0
        var reported: UInt64 = 0
    }

    private let phase: ImportProgress.Phase
    private let totalBytes: UInt64
    private let report: @Sendable (ImportProgress) -> Void
    private let state = Mutex(State())

    init(phase: ImportProgress.Phase, totalBytes: UInt64, report: @escaping @Sendable (ImportProgress) -> Void) {
        self.phase = phase
        self.totalBytes = totalBytes
        self.report = report
    }

    @Sendable func advance(_ bytes: UInt64) {
        let due: UInt64? = state.withLock { state in
            state.completed += bytes
            guard state.completed >= totalBytes || state.completed - state.reported > totalBytes / 200 else {
                return nil
            }
            state.reported = state.completed
            return state.completed
        }
        if let due { report(ImportProgress(phase: phase, completedBytes: due, totalBytes: totalBytes)) }
    }
}
