import Hardware
import Testing

@testable import ShoalCommands

struct GPUChecksTests {
    @Test func `a machine without a GPU has nothing to tell`() {
        #expect(GPUChecks(inventory: GPUInventory()).findings() == [])
    }

    @Test func `GPUs are told with their memory, idle ones with what to do, and what could not be asked`() throws {
        let place = try #require(PCIAddress("0000:01:00.0"))
        let inventory = GPUInventory(
            devices: [GPUDevice(api: .cuda, index: 0, name: "NVIDIA L4", memoryBytes: 24 << 30)],
            idle: [
                IdleGPU(
                    vendor: .amd, pciAddress: place, name: nil, reason: "the kernel has no driver for it",
                    remedy: "load amdgpu")
            ],
            problems: ["ROCm SMI does not start: no (1)"])
        #expect(
            GPUChecks(inventory: inventory).findings() == [
                .ok("gpu", "CUDA Device 0: 24GB VRAM, NVIDIA L4"),
                .warn("gpu", "GPU of AMD at 0000:01:00.0: the kernel has no driver for it", mend: "load amdgpu"),
                .warn(
                    "gpu", "ROCm SMI does not start: no (1)",
                    mend: "look after the GPU's driver; the node works without it"),
            ])
    }
}
