package import Generation
package import Link
package import Logging
import ServiceLifecycle
import Synchronization

/// Runs the node's engine processes, one for each model in use, in tasks of its own.
///
/// Its ``run()`` must be running before an engine starts; it ends, with all engines, on graceful shutdown.
package final class EngineSupervisor: Service {
    private struct Registry {
        var processes: [String: EngineProcess] = [:]
        var made = 0
        var isClosed = false
    }

    private let settings: InferenceSettings
    private let credentials: CurrentCredentials
    private let role: EngineRole
    private let logger: Logger
    private let registry = Mutex(Registry())
    private let launches: AsyncStream<EngineProcess>
    private let launchContinuation: AsyncStream<EngineProcess>.Continuation
    let variables = EngineVariables()
    private let statuses = Mutex<[String: Shoal_V1_EngineStatus]>([:])
    private let changes: AsyncStream<Void>.Continuation
    /// Ticks when an engine started, ended or said something new of itself.
    package let engineChanges: AsyncStream<Void>

    package init(
        settings: InferenceSettings, credentials: CurrentCredentials, role: EngineRole = .compute, logger: Logger
    ) {
        self.settings = settings
        self.role = role
        self.credentials = credentials
        self.logger = logger
        (launches, launchContinuation) = AsyncStream.makeStream()
        (engineChanges, changes) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
    }

    /// The engine of a model, not started yet unless it was before.
    ///
    /// - Parameter paths: Files of the model in part order; another list than before makes another engine.
    package func engine(model: String, paths: [String]) async throws(InferenceError) -> EngineProcess {
        let (engine, replaced): (EngineProcess?, EngineProcess?) = registry.withLock { registry in
            guard !registry.isClosed else { return (nil, nil) }
            if let known = registry.processes[model], known.paths == paths { return (known, nil) }
            registry.made += 1
            let environment = EngineEnvironment(
                role: role, settings: settings, credentials: credentials, variables: variables, logger: logger,
                number: registry.made,
                onChange: { [weak self] process in self?.processChanged(process) },
                onStatus: { [weak self] process, status in self?.note(status, of: process) })
            let made = EngineProcess(model: model, paths: paths, environment: environment) { [launchContinuation] in
                if case .enqueued = launchContinuation.yield($0) { true } else { false }
            }
            return (made, registry.processes.updateValue(made, forKey: model))
        }
        if let replaced { await replaced.retire() }
        guard let engine else { throw InferenceError(.cancelled, "the node is stopping") }
        return engine
    }

    /// The engine of a model that has one; it may not be running.
    package func existingEngine(model: String) -> EngineProcess? {
        registry.withLock { $0.processes[model] }
    }

    /// All engines that were ever asked for; they may not be running.
    package var engines: [EngineProcess] { registry.withLock { Array($0.processes.values) } }

    /// What each running engine said of itself last.
    package var lastStatuses: [String: Shoal_V1_EngineStatus] { statuses.withLock { $0 } }

    /// Stops a model's engine, and returns when it is gone.
    package func stop(model: String) async {
        guard let engine = existingEngine(model: model) else { return }
        await engine.stop()
    }

    /// Stops all engines, and returns when they are gone. Their next use starts them again.
    package func stopAll() async {
        let processes = registry.withLock { Array($0.processes.values) }
        await withDiscardingTaskGroup { group in
            for process in processes { group.addTask { await process.stop() } }
        }
    }

    package func run() async throws {
        await withGracefulShutdownHandler {
            await withDiscardingTaskGroup { group in
                for await process in launches { group.addTask { await process.run() } }
                group.addTask { await self.retireAll() }
            }
        } onGracefulShutdown: {
            self.launchContinuation.finish()
        }
        changes.finish()
    }

    private func retireAll() async {
        let processes = registry.withLock { registry in
            registry.isClosed = true
            return Array(registry.processes.values)
        }
        await withDiscardingTaskGroup { group in
            for process in processes { group.addTask { await process.retire() } }
        }
    }

    private func processChanged(_ process: EngineProcess) {
        _ = statuses.withLock { $0.removeValue(forKey: process.model) }
        changes.yield()
    }

    private func note(_ status: Shoal_V1_EngineStatus, of process: EngineProcess) {
        let isNew = statuses.withLock { $0.updateValue(status, forKey: process.model) != status }
        if isNew { changes.yield() }
    }
}
