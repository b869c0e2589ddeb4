import NIOCore

/// Runs a task on the thread that its connection is read on.
///
/// What comes in is then taken by the thread that has just read it, without waking another one for each piece. What runs here must
/// not block.
final class ConnectionLoop: TaskExecutor {
    private let loop: any EventLoop

    init(_ loop: any EventLoop) { self.loop = loop }

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        loop.execute { job.runSynchronously(on: self.asUnownedTaskExecutor()) }
    }
}
