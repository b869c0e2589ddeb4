import NIOCore
import NIOPosix

/// One thread that does a process's link I/O for sessions, and runs what waits for that I/O as well.
///
/// A message then needs one wake-up instead of two on each side: the thread that reads the bytes also runs the task that waits
/// for them. What runs on it must not block.
package final class LinkLoop: TaskExecutor {
    private let group: MultiThreadedEventLoopGroup
    private let loop: any EventLoop

    /// The one of this process, made on first use.
    package static let shared = LinkLoop()

    /// The thread lives as long as the process.
    private init() {
        group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        loop = group.next()
    }

    /// The threads of `loop`, or those that the process shares.
    static func group(of loop: LinkLoop?) -> MultiThreadedEventLoopGroup {
        loop?.group ?? .singletonMultiThreadedEventLoopGroup
    }

    package func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        loop.execute { job.runSynchronously(on: self.asUnownedTaskExecutor()) }
    }
}
