import Cluster
import Inference
import Logging
import Subprocess
import SystemPackage

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
        known = nil
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
        let asked = driver
        let devices = await Self.devices(of: engineBinary, variables: variables, logger: logger)
        let found = DriverChoice.backEnds(of: devices)
        if driver == asked { known = found }
        return found
    }

    /// The engine processes that run or start.
    func processes(weight: Int) async -> [WorkerProcess] {
        let engines = await inference.engines()
        let expected = await backEnds()
        return engines.map { engine in
            let job = engine.embeds ? "embedding" : "generation"
            // Until an engine has said what it computes with, it is what it will be.
            let backEnd = engine.devices.isEmpty ? expected[0] : DriverChoice.backEnd(of: engine.devices)
            return WorkerProcess(
                name: "\(job)_\(backEnd)", status: engine.status.rawValue, weight: max(1, weight / engines.count),
                model: engine.model)
        }
    }

    /// The devices that the engine program finds, as libllama names them.
    private static func devices(of binary: String, variables: [String: String], logger: Logger) async -> [String] {
        do {
            var changes: [Subprocess.Environment.Key: String?] = [:]
            for (name, value) in variables { changes[.init(stringLiteral: name)] = value }
            let result = try await Subprocess.run(
                .path(FilePath(binary)), arguments: ["--devices"], environment: .inherit.updating(changes),
                output: .string(limit: 65536), error: .discarded)
            return result.standardOutput.split(separator: "\n").map(String.init)
        } catch {
            logger.warning(
                "the engine program does not say what it can compute with", metadata: ["reason": "\(error)"])
            return []
        }
    }
}
