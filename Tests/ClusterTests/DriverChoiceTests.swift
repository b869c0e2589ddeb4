import Testing

@testable import Cluster

@Suite("Which GPUs a worker's engines see")
struct DriverChoiceTests {
    private static let gpus = [
        WorkerGPU(api: .cuda, index: 0, name: "A", memoryBytes: 8 << 30),
        WorkerGPU(api: .rocm, index: 0, name: "B", memoryBytes: 16 << 30),
        WorkerGPU(api: .rocm, index: 1, name: "C", memoryBytes: 16 << 30),
    ]

    @Test("Without a choice they see all there is")
    func none() {
        let choice = DriverChoice(driver: nil, gpus: Self.gpus)
        #expect(choice.variables(inherited: [:]).isEmpty)
        #expect(choice.usedGPUs == Self.gpus)
    }

    @Test("CUDA hides ROCm's devices, and ROCm CUDA's without hiding its own")
    func chosen() {
        let cuda = DriverChoice(driver: .cuda, gpus: Self.gpus)
        #expect(cuda.variables(inherited: [:]) == ["HIP_VISIBLE_DEVICES": "-1"])
        #expect(cuda.usedGPUs.map(\.name) == ["A"])
        let rocm = DriverChoice(driver: .rocm, gpus: Self.gpus)
        #expect(rocm.variables(inherited: [:]) == ["CUDA_VISIBLE_DEVICES": "-1", "HIP_VISIBLE_DEVICES": "0,1"])
        #expect(rocm.variables(inherited: ["HIP_VISIBLE_DEVICES": "1"])["HIP_VISIBLE_DEVICES"] == "1")
    }

    @Test("A driver that no GPU has leaves the processor")
    func absent() {
        let choice = DriverChoice(driver: .rocm, gpus: [])
        #expect(choice.variables(inherited: [:]) == ["CUDA_VISIBLE_DEVICES": "-1", "HIP_VISIBLE_DEVICES": "-1"])
        #expect(choice.usedGPUs.isEmpty)
    }

    @Test(
        "Back ends are read from the devices that the engine names",
        arguments: [
            ([], ["cpu"]), (["CPU"], ["cpu"]), (["CUDA0", "CUDA1", "CPU"], ["cuda", "cpu"]),
            (["ROCm0", "CPU"], ["rocm", "cpu"]), (["ROCm0", "CUDA0"], ["cuda", "rocm", "cpu"]),
        ] as [([String], [String])])
    func backEnds(devices: [String], expected: [String]) {
        #expect(DriverChoice.backEnds(of: devices) == expected)
        #expect(DriverChoice.backEnd(of: devices) == expected[0])
    }
}
