package import Generation

/// What a worker's node can do, as functions, given by the composition root.
package struct WorkerOperations: Sendable {
    /// What the worker says of itself now.
    package var description: @Sendable () async -> WorkerDescription
    /// Its engine processes now.
    package var processes: @Sendable () async -> [WorkerProcess]
    /// Generations and embeddings under way, whoever asked for them.
    package var activeJobs: @Sendable () -> Int
    /// Calls its argument whenever the description may have changed, until the task is cancelled.
    package var watch: @Sendable (_ onChange: @escaping @Sendable () async -> Void) async -> Void
    /// What answers.
    package var backend: any GenerationBackend
    /// Prefers a driver from the next start of an engine on; nil for whatever there is.
    package var setDriver: @Sendable (GPUDriver?) async -> Void

    package init(
        description: @escaping @Sendable () async -> WorkerDescription,
        processes: @escaping @Sendable () async -> [WorkerProcess],
        activeJobs: @escaping @Sendable () -> Int,
        watch: @escaping @Sendable (_ onChange: @escaping @Sendable () async -> Void) async -> Void,
        backend: any GenerationBackend,
        setDriver: @escaping @Sendable (GPUDriver?) async -> Void
    ) {
        self.description = description
        self.processes = processes
        self.activeJobs = activeJobs
        self.watch = watch
        self.backend = backend
        self.setDriver = setDriver
    }
}
