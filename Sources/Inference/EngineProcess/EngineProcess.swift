import GRPCCore
import Generation
package import Link
import Logging
import Subprocess
import SystemPackage

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// The engine process of one model: started on demand, started again after a crash, stopped by closing its standard
/// input.
///
/// The process itself lives in a task of ``EngineSupervisor``; this actor holds what is known of it.
package actor EngineProcess {
    /// What is told to the process from outside its task.
    enum Order: Sendable {
        /// Close standard input; kill it when that does not help.
        case stop
        case kill
    }

    private enum State {
        case stopped
        case starting
        case running(EngineConnection)
        case stopping
    }

    package nonisolated let model: String
    package nonisolated let paths: [String]
    nonisolated let environment: EngineEnvironment
    private let enqueue: @Sendable (EngineProcess) -> Bool

    private var state = State.stopped
    private var waiters: [CheckedContinuation<EngineConnection, any Error>] = []
    private var stopWaiters: [CheckedContinuation<Void, Never>] = []
    private var orders: AsyncStream<Order>.Continuation?
    private var backOff = RestartPause()
    private var generation = 0
    /// Load calls under way, during which a slow answer is no sign of death.
    private var loads = 0
    private var isRetired = false
    /// Somebody asked for the end of the process, who did not just find it dead.
    private var isStopWanted = false

    init(
        model: String, paths: [String], environment: EngineEnvironment,
        launch: @escaping @Sendable (EngineProcess) -> Bool
    ) {
        self.model = model
        self.paths = paths
        self.environment = environment
        enqueue = launch
    }

    // MARK: - Use

    /// The running process, started when there is none.
    ///
    /// - Throws: `InferenceError` with `engineMissing` or `engineFailed`.
    package func connection() async throws -> EngineConnection {
        if case .running(let connection) = state { return connection }
        guard !isRetired else {
            throw InferenceError(.cancelled, "the engine of model \(model) is being stopped", hint: "try again")
        }
        if case .stopped = state {
            state = .starting
            let wait = backOff.delay(now: .now)
            if wait > .zero {
                environment.logger.notice(
                    "waiting before the engine is started again",
                    metadata: ["model": "\(model)", "seconds": "\(wait.components.seconds)"])
                try? await Task.sleep(for: wait)
            }
            guard enqueue(self) else {
                state = .stopped
                throw InferenceError(.cancelled, "the node is stopping")
            }
        }
        // The wait may have let the start come to its end already.
        if case .running(let connection) = state { return connection }
        return try await withCheckedThrowingContinuation { waiters.append($0) }
    }

    /// The running process; nil when there is none. Starts nothing.
    package var runningConnection: EngineConnection? {
        if case .running(let connection) = state { connection } else { nil }
    }

    /// Whether there is a process, or is about to be.
    package var isAlive: Bool {
        switch state {
        case .starting, .running: true
        case .stopped, .stopping: false
        }
    }

    /// Marks a load for as long as `body` runs.
    package func whileLoading<Result: Sendable>(
        _ body: @Sendable () async throws -> Result
    ) async rethrows -> Result {
        loads += 1
        defer { loads -= 1 }
        return try await body()
    }

    /// How soon a process is asked again whose connection broke.
    private static let pause: Duration = .milliseconds(20)

    /// Asks a process that fell silent for a sign of life, and kills it when there is none (at once without a timeout).
    ///
    /// - Returns: Whether it was killed, or had gone already.
    @discardableResult
    package func killUnlessAlive(generation suspect: Int, within timeout: Duration?) async -> Bool {
        guard case .running(let connection) = state, connection.generation == suspect else { return true }
        let deadline = ContinuousClock.now + (timeout ?? .zero)
        while ContinuousClock.now < deadline {
            if (try? await Self.status(of: connection, within: ContinuousClock.now.duration(to: deadline))) != nil {
                return false
            }
            guard case .running(let current) = state, current.generation == suspect else { return true }
            // A connection that broke is made again.
            guard (try? await Task.sleep(for: Self.pause)) != nil else { return false }
        }
        guard case .running(let current) = state, current.generation == suspect else { return true }
        environment.logger.error(
            "the engine does not answer and is killed",
            metadata: ["model": "\(model)", "pid": "\(connection.processID)"])
        await end(.kill)
        return true
    }

    /// Ends the process, and returns when it is gone. The next use starts another.
    package func stop() async {
        await end(.stop)
    }

    /// Ends the process for good.
    func retire() async {
        isRetired = true
        await end(.stop)
    }

    /// What the engine says of itself.
    ///
    /// - Throws: What kept it from answering in time.
    package static func status(
        of connection: EngineConnection, within timeout: Duration
    ) async throws -> Shoal_V1_EngineStatus {
        try await connection.channel.engine.status(Shoal_V1_EngineStatusRequest(), options: .within(timeout))
    }

    /// Whether loads are under way.
    var isLoading: Bool { loads > 0 }

    /// Kills a process that takes too long to start or does not answer.
    func kill(generation suspect: Int) {
        guard suspect == generation else { return }
        orders?.yield(.kill)
    }

    private func end(_ order: Order) async {
        switch state {
        case .stopped: return
        case .running: state = .stopping
        case .starting, .stopping: break
        }
        if order == .stop { isStopWanted = true }
        orders?.yield(order)
        await withCheckedContinuation { stopWaiters.append($0) }
    }

    // MARK: - The process's life, called from the supervisor's task

    /// Runs one process from start to end.
    func run() async {
        generation += 1
        let (orders, continuation) = AsyncStream.makeStream(of: Order.self)
        self.orders = continuation
        let started = ContinuousClock.now
        let (end, failure) = await runProcess(generation: generation, orders: orders)
        ended(end, failure: failure, started: started)
    }

    func started(_ connection: EngineConnection) {
        guard case .starting = state else { return }
        state = .running(connection)
        environment.logger.info(
            "engine started",
            metadata: ["model": "\(model)", "pid": "\(connection.processID)", "port": "\(connection.port)"])
        for waiter in waiters { waiter.resume(returning: connection) }
        waiters.removeAll()
        environment.onChange(self)
    }

    private func ended(_ end: EngineEnd, failure: InferenceError?, started: ContinuousClock.Instant) {
        let wasOrdered = if case .stopping = state { true } else { false }
        state = .stopped
        orders = nil
        if wasOrdered {
            backOff = RestartPause()
        } else if environment.role == .compute {
            // Preparation processes are there to be lost: nobody waits for the next one.
            backOff.ended(after: started.duration(to: .now), now: .now)
        }
        if isStopWanted {
            environment.logger.info("engine stopped", metadata: ["model": "\(model)"])
        } else {
            environment.logger.warning(
                "the engine ended",
                metadata: [
                    "model": "\(model)", "process": "\(environment.role.rawValue)", "status": "\(end.reason)",
                    "why": "\(failure?.message ?? "it ended by itself")",
                    "said last": "\(end.lastLines.joined(separator: " | "))",
                ])
        }
        isStopWanted = false
        let error =
            failure
            ?? InferenceError(
                .engineFailed, "the engine of model \(model) ended while it started",
                hint: "the node's log has what the engine said")
        for waiter in waiters { waiter.resume(throwing: error) }
        waiters.removeAll()
        for waiter in stopWaiters { waiter.resume() }
        stopWaiters.removeAll()
        environment.onChange(self)
    }

    /// Runs a process to its end. The failure is what became of it before it ended, if it did not just end.
    private nonisolated func runProcess(
        generation: Int, orders: AsyncStream<Order>
    ) async -> (end: EngineEnd, failure: InferenceError?) {
        let last = LastLines()
        do throws(InferenceError) {
            let (status, failure) = try await launch(generation: generation, orders: orders, keeping: last)
            return (EngineEnd(status: status, lastLines: last.all), failure)
        } catch {
            return (EngineEnd(status: nil, lastLines: last.all), error)
        }
    }

    private nonisolated func launch(
        generation: Int, orders: AsyncStream<Order>, keeping last: LastLines
    ) async throws(InferenceError) -> (TerminationStatus, InferenceError?) {
        let binary = try EngineBinary.find(configured: environment.settings.engineBinary)
        let socket = environment.socketPath(generation: generation)
        defer { try? FileManager.default.removeItem(atPath: socket) }
        var options = PlatformOptions()
        // A group of its own: a terminal's Ctrl-C is for the daemon, which ends its engines in order.
        options.processGroupID = 0
        options.teardownSequence = [.gracefulShutDown(allowedDurationToNextStep: .seconds(2))]
        let line: [UInt8]
        do {
            line = try JSONEncoder().encode(environment.bootstrap(paths: paths)) + [0x0A]
        } catch {
            throw InferenceError(.engineFailed, "the engine's credentials cannot be written", cause: error)
        }
        do {
            let result = try await Subprocess.run(
                .path(FilePath(binary)),
                arguments: Arguments(["--socket", socket, "--model-name", model] + environment.role.arguments),
                environment: environment.processVariables(), platformOptions: options, input: .inputWriter,
                output: .sequence, error: .sequence
            ) { execution in
                _ = try? await execution.standardInputWriter.write(line)
                return await withTaskGroup(of: Step.self) { group in
                    group.addTask {
                        await self.drain(execution.standardError, keeping: last)
                        return .drained
                    }
                    group.addTask {
                        for await order in orders {
                            if order == .stop {
                                try? await execution.standardInputWriter.finish()
                                try? await Task.sleep(for: .seconds(3))
                            }
                            if Task.isCancelled { return .over(nil) }
                            try? execution.send(signal: .kill)
                        }
                        return .over(nil)
                    }
                    group.addTask {
                        let process = execution.processIdentifier.value
                        do throws(InferenceError) {
                            try await self.follow(
                                execution.standardOutput, socket: socket, generation: generation, processID: process)
                            return .over(nil)
                        } catch {
                            try? execution.send(signal: .kill)
                            return .over(error)
                        }
                    }
                    group.addTask {
                        await self.watch(generation: generation)
                        return .over(nil)
                    }
                    // Whatever ends first, the process has ended or is about to: standard output closes with it.
                    var isDrained = false
                    var failure: InferenceError?
                    ending: while let step = await group.next() {
                        switch step {
                        case .drained: isDrained = true
                        case .over(let error):
                            failure = error
                            break ending
                        case .late: break
                        }
                    }
                    // What it said last is worth a moment.
                    group.addTask {
                        try? await Task.sleep(for: Self.lastWords)
                        return .late
                    }
                    waiting: while !isDrained, let step = await group.next() {
                        switch step {
                        case .drained, .late: break waiting
                        case .over: continue
                        }
                    }
                    group.cancelAll()
                    return failure
                }
            }
            return (result.terminationStatus, result.closureResult)
        } catch {
            throw InferenceError(
                .engineFailed, "the engine program \(binary) does not start",
                hint: "run it by hand to see why: missing libraries are the usual reason", cause: error)
        }
    }

    /// How long an ended process's last lines are waited for.
    private static let lastWords: Duration = .milliseconds(200)

    /// What ends in the group around a process.
    private enum Step: Sendable {
        case drained
        case over(InferenceError?)
        case late
    }
}
