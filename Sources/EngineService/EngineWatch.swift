internal import Engine
internal import Foundation
internal import Logging

/// Looks after the threads that compute and the memory that they take, on a thread of its own: what overruns its limit is named, told to
/// its session, and ended with the process, because libllama cannot be interrupted. The daemon starts another one.
final class EngineWatch: Sendable {
    /// Exit statuses, so that the daemon's log tells one end from another.
    enum ExitStatus {
        static let overrun: Int32 = 91
        static let memory: Int32 = 92
        static let signal: Int32 = 93
    }

    private static let interval = 0.1
    /// Looks between two at the memory, and how many in a row have to find too much.
    private static let memoryTurns = 5
    private static let memoryFindings = 2
    /// For the last message to get to the daemon.
    private static let farewell = 0.2

    private let opened: OpenedModel
    private let logger: Logger

    init(opened: OpenedModel, logger: Logger) {
        self.opened = opened
        self.logger = logger
    }

    func start() {
        let thread = Thread { self.run() }
        thread.name = "watch"
        thread.start()
    }

    private func run() {
        var watches: [ObjectIdentifier: StepWatch] = [:]
        var turns = 0
        var findings = 0
        while true {
            Thread.sleep(forTimeInterval: Self.interval)
            guard let model = try? opened.model() else { continue }
            let windows = model.runningWindows
            if let (signal, thread) = FatalSignals.received {
                end(signal, windows.first { $0.computeThread.number == thread })
            }
            watches = watches.filter { watch in windows.contains { ObjectIdentifier($0) == watch.key } }
            for window in windows {
                // The step is read first: a later one's time counts for it less, never more.
                let step = window.currentStep
                guard let seconds = window.computeThread.processorSeconds else { continue }
                let overrun = watches[ObjectIdentifier(window), default: StepWatch()].look(
                    at: step, processorSeconds: seconds, weightBytes: window.weightBytes)
                if let overrun { end(overrun) }
            }
            turns += 1
            guard turns % Self.memoryTurns == 0 else { continue }
            guard let reckoning = model.memoryReckoning, let bytes = ResidentMemory.bytes,
                reckoning.isExceeded(by: UInt64(bytes))
            else {
                findings = 0
                continue
            }
            findings += 1
            if findings >= Self.memoryFindings { end(bytes, reckoning, windows) }
        }
    }

    // MARK: Ends

    private func end(_ overrun: StepWatch.Overrun) {
        let step = overrun.step
        say(
            "\(Self.name(step)) took more than \(overrun.limitSeconds) seconds of processor time", step,
            "the grammar takes too long: one token took more than \(overrun.limitSeconds) seconds of processor time")
        leave(ExitStatus.overrun)
    }

    private func end(_ bytes: Int, _ reckoning: MemoryReckoning, _ windows: [Window]) {
        let step = windows.compactMap(\.currentStep).first { $0.kind == .grammar }
        say(
            "the process takes \(bytes >> 20) MiB of memory, reckoned were \(reckoning.windows >> 20) MiB for its windows and "
                + "\(reckoning.others >> 20) MiB besides\(step.map { "; it was at \(Self.name($0))" } ?? "")",
            step, "the grammar takes too much memory")
        leave(ExitStatus.memory)
    }

    private func end(_ signal: Int32, _ window: Window?) {
        let step = window?.currentStep
        let name = String(cString: strsignal(signal))
        say(
            "libllama failed (signal \(signal), \(name)) at \(step.map(Self.name) ?? "nothing that is known")", step,
            "the grammar cannot be followed: libllama failed on it (signal \(signal))")
        leave(ExitStatus.signal)
    }

    /// Tells the log, and the session if it is one alone whose grammar is to blame.
    private func say(_ reason: String, _ step: ComputeStep?, _ failure: String) {
        logger.warning("the engine ends: \(reason)")
        if let step, step.kind == .grammar { step.fail?(EngineError(.badGrammar, failure)) }
    }

    private static func name(_ step: ComputeStep) -> String {
        let session = step.session.map { " of session \($0)" } ?? ""
        return switch step.kind {
        case .grammar: "the grammar\(session)"
        case .layers(let rows): "the computation of \(rows) rows\(session)"
        case .embedding: "an embedding"
        }
    }

    /// Ends the process without waiting for anybody: threads may hold locks that they never give back.
    private func leave(_ status: Int32) -> Never {
        Thread.sleep(forTimeInterval: Self.farewell)
        _exit(status)
    }
}
