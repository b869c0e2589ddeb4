/// The GPUs of this machine.
///
///     let inventory = await GPUInventory.read()
///     for device in inventory.devices { print(device.summary) }     // CUDA Device 0: 8GB VRAM
package struct GPUInventory: Sendable, Hashable {
    /// What programs can compute with: CUDA first, then ROCm, each by its index.
    package var devices: [GPUDevice] = []
    /// GPUs that are there, but not to compute with: without a driver, or with another one.
    package var idle: [IdleGPU] = []
    /// Sentences about what could not be found out, for an operator.
    package var problems: [String] = []

    package init(devices: [GPUDevice] = [], idle: [IdleGPU] = [], problems: [String] = []) {
        self.devices = devices
        self.idle = idle
        self.problems = problems
    }

    package func devices(of api: GPUDevice.API) -> [GPUDevice] { devices.filter { $0.api == api } }

    /// What a line about this machine says of its GPU: the first that computes, or else the first that is there.
    package var mainName: String? { devices.first?.name ?? idle.lazy.compactMap(\.name).first }

    /// Memory of all devices together.
    package var memoryBytes: UInt64 { devices.reduce(0) { Self.sum($0, $1.memoryBytes) } }

    /// Free memory of all devices together; `nil` where one does not say.
    package var freeBytes: UInt64? {
        devices.reduce(0) { sum, device in
            guard let sum, let free = device.freeBytes else { return nil }
            return Self.sum(sum, free)
        }
    }

    /// A sum that stays at the largest number: what drivers say may be nonsense.
    private static func sum(_ one: UInt64, _ other: UInt64) -> UInt64 {
        let (sum, isTooMuch) = one.addingReportingOverflow(other)
        return isTooMuch ? .max : sum
    }

    /// Reads the GPUs of this machine.
    ///
    /// This starts the driver's library and may wake GPUs that sleep, which takes seconds on some machines: read it now and
    /// then, not for every request.
    ///
    /// - Parameters:
    ///   - limit: how long to wait. A driver that does not answer by then gives what was read before, or nothing, with a problem.
    ///   - maximumAge: how old an answer may be that is given without reading again.
    package static func read(
        within limit: Duration = .seconds(5), maximumAge: Duration = .zero
    ) async -> GPUInventory {
        await GPUReader.system.read(within: limit, maximumAge: maximumAge)
    }
}
