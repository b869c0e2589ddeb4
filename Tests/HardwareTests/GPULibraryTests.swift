import Foundation
import Subprocess
import Testing

@testable import Hardware

/// Libraries that a C compiler makes, loaded like the drivers' own.
@Suite struct GPULibraryTests {
    /// Builds `gpus.c` and runs `body` with the path of the library.
    private func withLibrary<Result>(
        _ definitions: String..., body: (String) async throws -> Result
    ) async throws -> Result {
        try await KernelTree.with { tree in
            try tree.file("gpus.c", Data(PackageResources.gpus_c))
            let library = "\(tree.root)/libgpus.so"
            let built = try await run(
                .name("cc"),
                arguments: Arguments(
                    definitions.map { "-D\($0)" } + ["-shared", "-fPIC", "-o", library, "\(tree.root)/gpus.c"]),
                output: .discarded, error: .string(limit: 1 << 16))
            try #require(built.terminationStatus == .exited(0), "\(built.standardError)")
            return try await body(library)
        }
    }

    @Test func theLibraryOfNVIDIATellsOfItsGPUs() async throws {
        try await withLibrary("NVML") { path in
            let library = try #require(try GPULibrary.nvml(names: ["libnot-installed.so.1", path]))
            let (devices, problems) = library.devices()
            #expect(problems == [])
            try #require(devices.count == 2)
            #expect(
                devices[1]
                    == GPUDevice(
                        api: .cuda, index: 1, name: "NVIDIA Test 8GB", uuid: "GPU-00000000-0000-0000-0000-000000000001",
                        pciAddress: PCIAddress("00010000:3C:00.0"), memoryBytes: 8188 << 20, freeBytes: 5000 << 20,
                        driverVersion: "550.54.15"))
            #expect(devices.map(\.summary) == ["CUDA Device 0: 8GB VRAM", "CUDA Device 1: 8GB VRAM"])
            #expect(library.devices().devices == devices, "it starts and stops each time")
        }
    }

    @Test func theLibraryOfROCmAddsToWhatTheKernelKnows() async throws {
        try await withLibrary("ROCM") { path in
            try await KernelTree.with { tree in
                try tree.amdCard("0000:03:00.0", node: 1, render: 128)
                try tree.card("0000:44:00.0", vendor: "0x1002", driver: "amdgpu")
                let sources = GPUSources(
                    root: tree.root,
                    rocmSMI: { () throws(GPULibraryFault) in try .rocmSMI(names: [path]) })
                let inventory = sources.inventory()
                #expect(inventory.problems == [])
                // The library counts in another order than the kernel.
                #expect(inventory.devices.map(\.name) == ["Instinct Test", "Radeon Test"])
                #expect(inventory.devices.map(\.uuid) == ["GPU-0000000000abcdef", nil])
                #expect(inventory.devices.map(\.memoryBytes) == [24 << 30, 16 << 30])
                #expect(inventory.devices.map(\.freeBytes) == [23 << 30, 15 << 30])
                #expect(inventory.devices.map(\.driverVersion) == ["6.10.5", "6.10.5"])
                #expect(inventory.devices.map(\.index) == [0, 1])
                #expect(inventory.devices.map(\.pciAddress?.description) == ["0000:03:00.0", "0000:43:00.0"])
                #expect(inventory.idle.map(\.pciAddress.description) == ["0000:44:00.0"])
            }
        }
    }

    @Test(arguments: [
        ("START=9", 0, "NVML does not start: Driver Not Loaded (9)"),
        ("START=77", 0, "NVML does not start: unknown error (77)"),
        ("LOST=0", 1, "NVML counts 2 GPUs, but number 0 cannot be read: GPU is lost (15)"),
        ("COUNT=300", 256, "NVML counts 300 GPUs; only 256 are looked at"),
        ("MEMORY=3", 2, nil),
        ("UNENDED", 2, nil),
    ])
    func aLibraryThatFailsLeavesOutWhatFailed(definition: String, count: Int, problem: String?) async throws {
        try await withLibrary("NVML", definition) { path in
            let library = try #require(try GPULibrary.nvml(names: [path]))
            let (devices, problems) = library.devices()
            #expect(devices.count == count)
            #expect(problems == (problem.map { [$0] } ?? []))
            #expect(devices.allSatisfy { $0.name.count <= 128 })
            if definition == "MEMORY=3" {
                #expect(devices.map(\.summary).first == "CUDA Device 0: unknown VRAM")
                #expect(devices.map(\.freeBytes) == [nil, nil])
            }
        }
    }

    @Test func aLibraryThatIsNotInstalledIsNoProblem() throws {
        #expect(try GPULibrary.nvml(names: ["libshoal-test-not-installed.so.1"])?.name == nil)
        #expect(try GPULibrary.rocmSMI(names: [])?.name == nil)
    }

    @Test func aLibraryThatCannotBeUsedIsAProblem() async throws {
        try await withLibrary("NVML", "WITHOUT_NAME") { path in
            #expect(
                throws: GPULibraryFault(code: nil, message: "\(path) has no nvmlDeviceGetName; install a newer driver")
            ) {
                try GPULibrary.nvml(names: [path])
            }
            #expect(throws: GPULibraryFault.self) { try GPULibrary.rocmSMI(names: [path]) }
        }
        try await KernelTree.with { tree in
            try tree.file("libtext.so", "no library")
            try tree.card("0000:01:00.0", vendor: "0x10de", driver: "nvidia")
            let path = "\(tree.root)/libtext.so"
            let sources = GPUSources(
                root: tree.root, nvml: { () throws(GPULibraryFault) in try .nvml(names: [path]) })
            let inventory = sources.inventory()
            #expect(inventory.problems.count == 1)
            #expect(inventory.problems.first?.contains("libtext.so cannot be loaded") == true)
            #expect(inventory.idle.count == 1)
        }
    }

    @Test func whatALibraryTellsThatCannotBeIsLeftOpen() {
        let library = GPULibrary(
            name: "Made up", api: .cuda, start: {}, stop: {},
            driverVersion: { () throws(GPULibraryFault) in throw GPULibraryFault(code: 1, message: "no") },
            deviceCount: { -3 }, deviceName: { _ in "  \u{1B}[31m\nred\u{0} " }, uuid: { _ in "\n" },
            pciAddress: { _ throws(GPULibraryFault) in throw GPULibraryFault(code: 1, message: "no") },
            memory: { _ in GPULibrary.Memory(totalBytes: 1 << 40, freeBytes: 1 << 41) })
        #expect(library.devices().devices == [])
        #expect(library.devices().problems == ["Made up counts -3 GPUs; only 256 are looked at"])
        var counting = library
        counting.deviceCount = { 1 }
        let expected = GPUDevice(api: .cuda, index: 0, name: "[31m red", memoryBytes: 1 << 40)
        #expect(counting.devices().devices == [expected])
    }

    @Test func cardsThatTheDriverOffersAreNotIdle() async throws {
        try await withLibrary("NVML") { path in
            try await KernelTree.with { tree in
                for bus in ["3b", "3c", "3d"] {
                    try tree.card("10000:\(bus):00.0", vendor: "0x10de", kind: "0x030200", driver: "nvidia")
                }
                let sources = GPUSources(
                    root: tree.root, nvml: { () throws(GPULibraryFault) in try .nvml(names: [path]) })
                let inventory = sources.inventory()
                #expect(inventory.devices.count == 2)
                #expect(inventory.idle.map(\.pciAddress.description) == ["10000:3d:00.0"])
                #expect(inventory.idle.first?.remedy.contains("nvidia-smi") == true)
            }
        }
    }
}
