internal import Dispatch
internal import Engine
internal import Foundation
internal import Link
internal import Synchronization

/// The one thread that prepares prompts, and the watch over what it takes.
///
/// What runs there cannot be interrupted. A piece of work that overruns its limit is answered for, and the process ends right
/// afterwards: the daemon starts another.
final class PreparationWorker: Sendable {
    /// What a piece of work is at, each with a limit of its own.
    enum Phase: Sendable {
        case template
        case schema
        case tokens

        /// Seconds of processor time: a machine with much to do makes nobody guilty.
        var limitSeconds: Double {
            switch self {
            case .template: 1.2
            case .schema: 1.2
            case .tokens: 4
            }
        }

        var name: String {
            switch self {
            case .template: "making the prompt with the model's chat template"
            case .schema: "reading the schema or grammar"
            case .tokens: "tokenizing the prompt"
            }
        }
    }

    /// What a piece of work is given, to say what it is at.
    final class Work: Sendable {
        private let phase = Mutex<(phase: Phase, since: Double)?>(nil)
        private let clock: clockid_t
        private let prompters: Prompters

        fileprivate init(clock: clockid_t, prompters: Prompters) {
            self.clock = clock
            self.prompters = prompters
        }

        /// What makes prompts of conversations with the model's templates.
        func prompter(_ model: EngineModel) throws(ChatError) -> ChatPrompter { try prompters.prompter(model) }

        func enter(_ next: Phase) {
            let now = processorSeconds
            phase.withLock { $0 = (next, now) }
        }

        /// The phase that has taken longer than it may.
        fileprivate var overrun: Phase? {
            guard let current = phase.withLock({ $0 }) else { return nil }
            return processorSeconds - current.since > current.phase.limitSeconds ? current.phase : nil
        }

        private var processorSeconds: Double {
            var time = timespec()
            guard clock_gettime(clock, &time) == 0 else { return 0 }
            return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
        }
    }

    /// The templates, read once and used on the worker's thread alone.
    fileprivate final class Prompters: Sendable {
        private nonisolated(unsafe) var made: ChatPrompter?  // used on the queue alone

        func prompter(_ model: EngineModel) throws(ChatError) -> ChatPrompter {
            if let made { return made }
            let prompter = ChatPrompter(try ChatTemplates(model: model))
            made = prompter
            return prompter
        }
    }

    private let prompters = Prompters()
    private let queue = DispatchQueue(label: "preparation")
    private let watch = DispatchQueue(label: "preparation.watch")
    private let current = Mutex<(work: Work, overrun: @Sendable (Phase) -> Void)?>(nil)

    /// Does a piece of work when those before it are done.
    ///
    /// - Throws: What `body` throws, or a failure that names the limit.
    func run<Value: Sendable>(_ body: @escaping @Sendable (Work) throws -> Value) async throws -> Value {
        try await withCheckedThrowingContinuation { continuation in
            queue.async { [self] in
                var clock = clockid_t()
                pthread_getcpuclockid(pthread_self(), &clock)
                let once = OnceFlag()
                let work = Work(clock: clock, prompters: prompters)
                current.withLock {
                    $0 = (
                        work,
                        { phase in
                            guard once.take() else { return }
                            continuation.resume(throwing: Self.failure(phase))
                        }
                    )
                }
                look(after: work)
                let result = Result { try body(work) }
                current.withLock { $0 = nil }
                if once.take() { continuation.resume(with: result) }
            }
        }
    }

    /// Looks every now and then what the work has taken, for as long as it goes on.
    private func look(after work: Work) {
        watch.asyncAfter(deadline: .now() + .milliseconds(50)) { [self] in
            guard let (current, overrun) = current.withLock({ $0 }), current === work else { return }
            guard let phase = work.overrun else { return look(after: work) }
            overrun(phase)
            // The answer has its way to the daemon first; the thread that overran cannot be stopped but with the process.
            watch.asyncAfter(deadline: .now() + .milliseconds(100)) { exit(3) }
        }
    }

    private static func failure(_ phase: Phase) -> Shoal_V1_PreparationFailure {
        Shoal_V1_PreparationFailure(
            "bad_request", "\(phase.name) took more than \(phase.limitSeconds) seconds of processor time",
            hint: "send less, or use a model whose template does with less")
    }
}

/// True for the first who takes it.
private final class OnceFlag: Sendable {
    private let isTaken = Atomic(false)

    func take() -> Bool { !isTaken.exchange(true, ordering: .acquiringAndReleasing) }
}
