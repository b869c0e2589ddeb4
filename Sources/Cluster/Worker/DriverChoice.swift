/// Which GPUs a worker's engines see.
package struct DriverChoice: Sendable {
    /// The driver that the operator prefers; nil for whatever there is.
    package var driver: GPUDriver?
    package var gpus: [WorkerGPU]

    package init(driver: GPUDriver?, gpus: [WorkerGPU]) {
        self.driver = driver
        self.gpus = gpus
    }

    /// The GPUs that engines compute with. A driver that this machine has no GPU for leaves the processor.
    package var usedGPUs: [WorkerGPU] {
        guard let driver else { return gpus }
        return gpus.filter { $0.api == driver }
    }

    /// Environment variables for engines.
    ///
    /// ROCm goes by `CUDA_VISIBLE_DEVICES` where `HIP_VISIBLE_DEVICES` is not set, so that hiding CUDA's devices alone would hide its
    /// own as well.
    package func variables(inherited: [String: String]) -> [String: String] {
        switch driver {
        case nil: return [:]
        case .cuda: return ["HIP_VISIBLE_DEVICES": "-1"]
        case .rocm:
            let all = usedGPUs.map { String($0.index) }.joined(separator: ",")
            return [
                "CUDA_VISIBLE_DEVICES": "-1",
                "HIP_VISIBLE_DEVICES": inherited["HIP_VISIBLE_DEVICES"] ?? (all.isEmpty ? "-1" : all),
            ]
        }
    }

    /// What engines can compute with, best first.
    ///
    /// - Parameter devices: as the engine program names them.
    package static func backEnds(of devices: [String]) -> [String] {
        var found: [String] = GPUDriver.allCases.map(\.rawValue).filter { name in
            devices.contains { $0.lowercased().hasPrefix(name) }
        }
        found.append("cpu")
        return found
    }

    /// The back end that an engine process is named after.
    package static func backEnd(of devices: [String]) -> String { backEnds(of: devices)[0] }
}
