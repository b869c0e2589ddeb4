/// Finds steps of a window's thread that take longer than they may, by the processor time of that thread: a machine with much to do
/// makes nobody guilty.
///
/// A pure value. It is told what the thread is at every now and then, and knows from that how long a step has been going on.
package struct StepWatch: Sendable {
    /// A step that took too long.
    package struct Overrun: Sendable {
        package let step: ComputeStep
        package let limitSeconds: Double
    }

    /// A grammar's work for one token takes milliseconds.
    package static let grammarSeconds = 1.0
    private static let layersSeconds = 60.0
    /// What the slowest machine computes of a weight's bytes in a second, per row: a limit that honest work never comes near.
    private static let slowestBytesPerSecond = 500e6

    private var current: (number: UInt64, begin: Double)?

    package init() {}

    /// Seconds that a step may take.
    package static func limit(_ kind: ComputeStep.Kind, weightBytes: UInt64) -> Double? {
        switch kind {
        case .grammar: grammarSeconds
        case .layers(let rows): layersSeconds + Double(weightBytes) * Double(max(rows, 1)) / slowestBytesPerSecond
        // One call for texts of any length and number; whoever asks may leave, and it ends.
        case .embedding: nil
        }
    }

    /// Takes note of what the thread is at.
    ///
    /// - Parameter processorSeconds: Of the thread, now.
    package mutating func look(at step: ComputeStep?, processorSeconds: Double, weightBytes: UInt64) -> Overrun? {
        guard let step else {
            current = nil
            return nil
        }
        guard let known = current, known.number == step.number else {
            current = (step.number, processorSeconds)
            return nil
        }
        guard let limit = Self.limit(step.kind, weightBytes: weightBytes), processorSeconds - known.begin > limit else {
            return nil
        }
        return Overrun(step: step, limitSeconds: limit)
    }
}
