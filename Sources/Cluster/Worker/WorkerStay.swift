import GRPCCore
import Link
import Logging
import ServiceLifecycle
import SwiftProtobuf
import Synchronization
import Timing

/// One stream of a worker with its master, from the first word to the last.
final class WorkerStay: Sendable {
    /// How long jobs may go on after graceful shutdown has begun.
    private static let farewell: Duration = .seconds(6)
    /// The master has to welcome the worker within this time.
    private static let welcome: Duration = .seconds(15)
    /// What happens within this time is told together: jobs may end by the hundred, and the master hears only so much.
    private static let moment: Duration = .milliseconds(100)

    /// The worker has said good-bye, and its jobs have ended.
    private struct Left: Error {}

    private struct State {
        var heartbeat: Duration?
        var jobs = 0
        var processes: [WorkerProcess]?
        var description: WorkerDescription?
    }

    private let worker: ClusterWorker
    private let channel: LinkChannel
    private let onJoined: @Sendable (Hostname) -> Void
    private let state = Mutex(State())
    private let (outgoing, post) = AsyncStream.makeStream(of: Shoal_V1_WorkerMessage.self)
    /// The description may have changed.
    private let (changes, change) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
    /// There is something to tell.
    private let (occasions, occasion) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
    /// The latest driver that the master wants; empty text for none.
    private let (drivers, driver) = AsyncStream.makeStream(of: String.self, bufferingPolicy: .bufferingNewest(1))
    private let (offers, offered) = AsyncStream.makeStream(of: Shoal_V1_JobOffer.self)

    init(worker: ClusterWorker, channel: LinkChannel, onJoined: @escaping @Sendable (Hostname) -> Void) {
        self.worker = worker
        self.channel = channel
        self.onJoined = onJoined
    }

    /// - Throws: `RPCError` with what the master said at the end. Returns when the worker has left by itself.
    func run() async throws {
        let description = await worker.operations.description()
        state.withLock { $0.description = description }
        do {
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask {
                    try await self.channel.cluster.attend { [outgoing = self.outgoing] writer in
                        try await writer.write(.with { $0.description_p = description.message })
                        for await message in outgoing { try await writer.write(message) }
                    } onResponse: { response in
                        for try await message in response.messages { self.hear(message, as: description.hostname) }
                    }
                    throw RPCError(code: .unavailable, message: "the master ended the stream")
                }
                group.addTask { try await self.beat() }
                group.addTask { try await self.report() }
                group.addTask { try await self.describe() }
                group.addTask {
                    while true {
                        await self.worker.operations.watch { self.change.yield() }
                        try await self.worker.clock.sleep(.seconds(1))
                    }
                }
                group.addTask { await self.drive() }
                group.addTask { await self.work() }
                group.addTask { try await self.leave() }
                defer {
                    group.cancelAll()
                    post.finish()
                    change.finish()
                    occasion.finish()
                    driver.finish()
                    offered.finish()
                }
                try await group.next()
            }
        } catch is Left {
            return
        }
    }

    private func hear(_ message: Shoal_V1_MasterMessage, as hostname: Hostname) {
        switch message.message {
        case .welcome(let welcome):
            driver.yield(welcome.driver.driver)
            state.withLock { $0.heartbeat = .milliseconds(max(100, Int64(welcome.heartbeatMilliseconds))) }
            onJoined(hostname)
        case .setDriver(let message): driver.yield(message.driver)
        case .offer(let offer): offered.yield(offer)
        case nil: break
        }
    }

    // MARK: - Telling

    /// Says that the worker lives, at the pace that the master wants.
    private func beat() async throws {
        let begin = worker.clock.now()
        while state.withLock({ $0.heartbeat }) == nil {
            guard worker.clock.now() - begin < Self.welcome else {
                throw RPCError(code: .deadlineExceeded, message: "the master did not welcome the worker")
            }
            try await worker.clock.sleep(.milliseconds(20))
        }
        while let pause = state.withLock({ $0.heartbeat }) {
            occasion.yield()
            try await worker.clock.sleep(pause)
        }
    }

    /// Uses the driver that the master wants, one change after the other.
    private func drive() async {
        for await name in drivers {
            await worker.operations.setDriver(GPUDriver(rawValue: name))
            change.yield()
        }
    }

    /// Describes the worker anew whenever it is not what it was. Signs of life do not wait for that.
    private func describe() async throws {
        for await _ in changes {
            let description = await worker.operations.description()
            let isNew = state.withLock { state in
                defer { state.description = description }
                return state.description != description
            }
            if isNew { post.yield(.with { $0.description_p = description.message }) }
            occasion.yield()
            try await worker.clock.sleep(Self.moment)
        }
    }

    /// Tells what the worker does, whenever there is anything to tell.
    private func report() async throws {
        for await _ in occasions {
            await tellProcesses()
            try await worker.clock.sleep(Self.moment)
        }
    }

    private func tellProcesses() async {
        let processes = await worker.operations.processes()
        let isNew = state.withLock { state in
            defer { state.processes = processes }
            return state.processes != processes
        }
        post.yield(
            .with {
                $0.heartbeat.activeJobs = UInt32(clamping: worker.operations.activeJobs())
                if isNew { $0.heartbeat.processes.processes = processes.map(\.message) }
            })
    }

    /// Waits for graceful shutdown, takes no more jobs then, and ends the stay when those that run have ended.
    private func leave() async throws {
        try await gracefulShutdown()
        post.yield(.with { $0.leaving = .init() })
        let deadline = worker.clock.now() + Self.farewell
        while state.withLock({ $0.jobs }) > 0, worker.clock.now() < deadline {
            try await worker.clock.sleep(.milliseconds(50))
        }
        throw Left()
    }

    // MARK: - Working

    private func work() async {
        await withDiscardingTaskGroup { group in
            for await offer in offers {
                state.withLock { $0.jobs += 1 }
                group.addTask {
                    await WorkerJob(worker: self.worker, channel: self.channel).run(offer)
                    self.state.withLock { $0.jobs -= 1 }
                    self.occasion.yield()
                }
            }
        }
    }
}
