import Hardware

/// Tells of the GPUs of this machine, and why one is idle.
struct GPUChecks {
    let inventory: GPUInventory

    /// Nothing where there is no GPU: a node computes without.
    func findings() -> [Finding] {
        inventory.devices.map { .ok("gpu", "\($0.summary), \($0.name)") }
            + inventory.idle.map { gpu in
                .warn(
                    "gpu", "\(gpu.name ?? "GPU of \(gpu.vendor.displayName)") at \(gpu.pciAddress): \(gpu.reason)",
                    mend: gpu.remedy)
            }
            + inventory.problems.map {
                .warn("gpu", $0, mend: "look after the GPU's driver; the node works without it")
            }
    }
}
