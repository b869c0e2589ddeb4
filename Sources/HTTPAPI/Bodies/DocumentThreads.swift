import Dispatch
import Synchronization

/// Two threads for what is done with large documents: reading them, checking them, writing them anew and letting them go again.
///
/// What runs there can take as long as it likes without keeping a request from its answer, as it would on one of the few threads
/// that serve all of them. What prefers these threads gets them in the order in which it comes.
final class DocumentThreads: TaskExecutor {
    private static let count = 2
    /// Jobs that have run and are forgotten together.
    private static let forgetting = 1024

    private struct Line {
        /// Threads that have nothing to do.
        var free = Array(0..<DocumentThreads.count)
        var waiting: [UnownedJob] = []
        /// The first that waits; those before it have run.
        var first = 0
    }

    private let line = Mutex(Line())
    /// Each is serial: concurrent ones share their threads with Swift's own pool.
    private let queues = (0..<DocumentThreads.count).map { DispatchQueue(label: "documents \($0)") }
    private let last = DispatchQueue(label: "documents end")

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        let thread = line.withLock { line -> Int? in
            guard let thread = line.free.popLast() else {
                line.waiting.append(job)
                return nil
            }
            return thread
        }
        if let thread { queues[thread].async { self.work(job, thread) } }
    }

    /// Does something on a third thread.
    func afterwards(_ body: @escaping @Sendable () -> Void) { last.async(execute: body) }

    private func work(_ job: UnownedJob, _ thread: Int) {
        var job = job
        while true {
            job.runSynchronously(on: asUnownedTaskExecutor())
            let next = line.withLock { line -> UnownedJob? in
                guard line.first < line.waiting.count else {
                    line.waiting.removeAll(keepingCapacity: true)
                    line.first = 0
                    line.free.append(thread)
                    return nil
                }
                let next = line.waiting[line.first]
                line.first += 1
                if line.first == Self.forgetting {
                    line.waiting.removeFirst(line.first)
                    line.first = 0
                }
                return next
            }
            guard let next else { return }
            job = next
        }
    }
}
