internal import Dispatch

/// Runs what waits for the disk on threads of its own: those of tasks, of which there are as many as cores, go on computing.
final class DiskQueue: SerialExecutor {
    private let queue: DispatchQueue

    init(label: String) { queue = DispatchQueue(label: label) }

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        queue.async { job.runSynchronously(on: self.asUnownedSerialExecutor()) }
    }
}
