import GRPCCore
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
    private let launch: @Sendable (EngineProcess) -> Bool

    private var state = State.stopped
    private var waiters: [CheckedContinuation<EngineConnection, any Error>] = []
    private var stopWaiters: [CheckedContinuation<Void, Never>] = []
    private var orders: AsyncStream<Order>.Continuation?
    private var backOff = RestartPause()
    private var generation = 0
    /// Load calls under way, during which a slow answer is no sign of death.
    private var loads = 0
    private var isRetired = false

    init(
        model: String, paths: [String], environment: EngineEnvironment,
        launch: @escaping @Sendable (EngineProcess) -> Bool
    ) {
        self.model = model
        self.paths = paths
        self.environment = environment
        self.launch = launch
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
            guard launch(self) else {
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

    /// Asks a process that fell silent for a sign of life, and kills it when there is none (at once without a timeout).
    ///
    /// - Returns: Whether it was killed, or had gone already.
    @discardableResult
    package func killUnlessAlive(generation suspect: Int, within timeout: Duration?) async -> Bool {
        guard case .running(let connection) = state, connection.generation == suspect else { return true }
        if let timeout, await Self.status(of: connection, within: timeout) != nil { return false }
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

    /// What the engine says of itself; nil without an answer in time.
    package static func status(of connection: EngineConnection, within timeout: Duration) async
        -> Shoal_V1_EngineStatus?
    {
        try? await connection.channel.engine.status(Shoal_V1_EngineStatusRequest(), options: .within(timeout))
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
        var failure: InferenceError?
        do throws(InferenceError) {
            try await runProcess(generation: generation, orders: orders)
        } catch {
            failure = error
        }
        ended(failure: failure, started: started)
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

    private func ended(failure: InferenceError?, started: ContinuousClock.Instant) {
        let wasWanted = if case .stopping = state { false } else { true }
        state = .stopped
        orders = nil
        if wasWanted {
            // Preparation processes are there to be lost: nobody waits for the next one.
            if environment.role == .compute { backOff.ended(after: started.duration(to: .now), now: .now) }
            environment.logger.error(
                "the engine ended", metadata: ["model": "\(model)", "why": "\(failure?.message ?? "it exited")"])
        } else {
            backOff = RestartPause()
            environment.logger.info("engine stopped", metadata: ["model": "\(model)"])
        }
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

    private nonisolated func runProcess(generation: Int, orders: AsyncStream<Order>) async throws(InferenceError) {
        let binary = try EngineBinary.find(configured: environment.settings.engineBinary)
        let socket = environment.socketPath(generation: generation)
        var options = PlatformOptions()
        // A group of its own: a terminal's Ctrl-C is for the daemon, which ends its engines in order.
        options.processGroupID = 0
        options.teardownSequence = [.gracefulShutDown(allowedDurationToNextStep: .seconds(2))]
        let line: [UInt8]
        do {
            line = try JSONEncoder().encode(environment.bootstrap()) + [0x0A]
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
                return await withTaskGroup(of: InferenceError?.self) { group in
                    group.addTask {
                        await self.drain(execution.standardError)
                        return nil
                    }
                    group.addTask {
                        for await order in orders {
                            if order == .stop {
                                try? await execution.standardInputWriter.finish()
                                try? await Task.sleep(for: .seconds(3))
                            }
                            if Task.isCancelled { return nil }
                            try? execution.send(signal: .kill)
                        }
                        return nil
                    }
                    group.addTask {
                        let process = execution.processIdentifier.value
                        do throws(InferenceError) {
                            try await self.follow(
                                execution.standardOutput, socket: socket, generation: generation, processID: process)
                            return nil
                        } catch {
                            try? execution.send(signal: .kill)
                            return error
                        }
                    }
                    group.addTask {
                        await self.watch(generation: generation)
                        return nil
                    }
                    // Whatever ends first, the process has ended or is about to: standard output closes with it.
                    let failure = await group.next() ?? nil
                    group.cancelAll()
                    return failure
                }
            }
            if let failure = result.closureResult { throw failure }
            environment.logger.debug(
                "engine process ended", metadata: ["model": "\(model)", "status": "\(result.terminationStatus)"])
        } catch let error as InferenceError {
            throw error
        } catch {
            throw InferenceError(
                .engineFailed, "the engine program \(binary) does not start",
                hint: "run it by hand to see why: missing libraries are the usual reason", cause: error)
        }
    }
}
