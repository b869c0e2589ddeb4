import Cluster
import Inference
import Logging

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// The engines of a worker, and the driver that its operator prefers for them.
actor WorkerEngines {
    nonisolated let gpus: [WorkerGPU]
    private let inference: InferenceService
    private let engineBinary: String
    private let logger: Logger
    private var driver: GPUDriver?
    /// What engines can compute with under the present driver, once it was asked.
    private var known: [String]?
    /// Under way to be known.
    private var asking: Task<[String], Never>?

    init(inference: InferenceService, engineBinary: String, gpus: [WorkerGPU], logger: Logger) {
        self.inference = inference
        self.engineBinary = engineBinary
        self.gpus = gpus
        self.logger = logger
    }

    private var variables: [String: String] {
        DriverChoice(driver: driver, gpus: gpus).variables(inherited: ProcessInfo.processInfo.environment)
    }

    /// Prefers a driver from the next start of an engine on. Engines that run are started again, as soon as they are idle.
    func setDriver(_ driver: GPUDriver?) async {
        guard driver != self.driver else { return }
        self.driver = driver
        (known, asking) = (nil, nil)
        await inference.setEngineVariables(variables)
        let backEnds = await backEnds()
        if let driver, !backEnds.contains(driver.rawValue) {
            logger.warning(
                "the preferred driver is not to be had here: engines compute on the processor",
                metadata: ["driver": "\(driver.rawValue)"])
        }
    }

    /// What engines can compute with now, best first.
    func backEnds() async -> [String] {
        if let known { return known }
        let task =
            asking
            ?? Task { [engineBinary, variables, logger] in
                let devices = await EngineProgram(binary: engineBinary).devices(variables: variables, logger: logger)
                return DriverChoice.backEnds(of: devices)
            }
        asking = task
        let found = await task.value
        if asking == task { (known, asking) = (found, nil) }
        return found
    }

    /// The engine processes that run or start.
    func processes(weight: Int) async -> [WorkerProcess] {
        let engines = await inference.engines()
        // Not waited for: this is a sign of life.
        let expected = known?[0] ?? driver?.rawValue ?? "cpu"
        return engines.map { engine in
            let job = engine.embeds ? "embedding" : "generation"
            // Until an engine has said what it computes with, it is what it will be.
            let backEnd = engine.devices.isEmpty ? expected : DriverChoice.backEnd(of: engine.devices)
            return WorkerProcess(
                name: "\(job)_\(backEnd)", status: engine.status.rawValue, weight: max(1, weight / engines.count),
                model: engine.model)
        }
    }
}
