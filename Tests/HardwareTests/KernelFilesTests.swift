import Foundation
import ShoalTestSupport
import Testing

@testable import Hardware

#if canImport(Glibc)
    import Glibc
#endif

@Suite struct KernelFilesTests {
    @Test func aMachineWithoutGPUsHasNone() async throws {
        try await KernelTree.with { tree in
            #expect(tree.inventory == GPUInventory())
            #expect(KernelTree(root: "\(tree.root)/not-there").inventory == GPUInventory())
            try tree.card("0000:00:02.0", vendor: "0x8086")
            try tree.card("0000:01:00.0", vendor: "0x10de", kind: "0x040300")
            #expect(tree.inventory == GPUInventory())
        }
    }

    @Test func amdCardsComeInTheOrderOfTheTopologyWithNamesAndMemory() async throws {
        try await KernelTree.with { tree in
            try tree.processorNode()
            try tree.amdNames()
            try tree.file("sys/module/amdgpu/version", "6.10.5\n")
            try tree.amdCard("0000:43:00.0", node: 2, render: 129, uniqueID: 0xA2_0000_0000_0001)
            try tree.amdCard("0000:03:00.0", node: 10, render: 128, device: 0x740F, memory: 64 << 30, used: 65 << 30)
            let devices = tree.inventory.devices
            try #require(devices.count == 2)
            #expect(
                devices[0]
                    == GPUDevice(
                        api: .rocm, index: 0, name: "AMD Radeon RX 7900 XTX", uuid: "GPU-00a2000000000001",
                        pciAddress: PCIAddress(domain: 0, bus: 0x43, device: 0, function: 0), memoryBytes: 24 << 30,
                        freeBytes: 23 << 30, driverVersion: "6.10.5"))
            #expect(devices[1].summary == "ROCm Device 1: 64GB VRAM")
            #expect(devices[1].name == "AMD gfx1100")
            #expect(devices[1].freeBytes == nil, "more was used than there is")
            #expect(tree.inventory.idle == [])
        }
    }

    @Test(arguments: [(16, true), (0, false)])
    func aGPUInTheProcessorIsIntegrated(processorCores: Int, hasBoard: Bool) async throws {
        try await KernelTree.with { tree in
            try tree.amdNames()
            try tree.amdCard(
                "0000:07:00.0", node: 1, render: 128, device: 0x164E, memory: 512 << 20, used: 64 << 20,
                processorCores: processorCores, hasBoard: hasBoard)
            try tree.amdCard("0000:03:00.0", node: 2, render: 129)
            #expect(tree.inventory.devices.map(\.isIntegrated) == [true, false])
            #expect(tree.inventory.devices.first?.summary == "ROCm Device 0: 512MB VRAM")
        }
    }

    @Test func memoryComesFromTheTopologyWhereTheDriverDoesNotSay() async throws {
        try await KernelTree.with { tree in
            try tree.amdCard("0000:03:00.0", node: 1, render: 128)
            try tree.remove("sys/devices/pci0000:00/0000:03:00.0/mem_info_vram_total")
            let banks = "sys/class/kfd/kfd/topology/nodes/1/mem_banks"
            try tree.file("\(banks)/0/properties", "heap_type 1\nsize_in_bytes \(16 << 30)\n")
            try tree.file("\(banks)/1/properties", "heap_type 0\nsize_in_bytes \(64 << 30)\n")
            try tree.file("\(banks)/2/properties", "heap_type 2\nsize_in_bytes \(UInt64.max)\n")
            #expect(tree.inventory.devices.map(\.memoryBytes) == [16 << 30])
        }
    }

    @Test(arguments: [
        ("0x10de", nil, "no driver"), ("0x10de", "nouveau", "nouveau"), ("0x10de", "vfio-pci", "virtual machines"),
        ("0x10de", "nvidia", "libnvidia-ml.so.1"), ("0x1002", nil, "no driver"), ("0x1002", "radeon", "radeon"),
        ("0x1002", "amdgpu", "does not offer it"),
    ])
    func aCardThatCannotComputeIsNamedWithItsReason(vendor: String, driver: String?, reason: String) async throws {
        try await KernelTree.with { tree in
            try tree.card("0000:01:00.0", vendor: vendor, kind: "0x120000", driver: driver)
            let inventory = tree.inventory
            #expect(inventory.devices == [])
            let idle = try #require(inventory.idle.first)
            #expect(idle.pciAddress.description == "0000:01:00.0")
            #expect(idle.reason.contains(reason))
            #expect(!idle.remedy.isEmpty)
        }
    }

    @Test func aCardOfTheNVIDIADriverHasTheNameThatTheDriverGives() async throws {
        try await KernelTree.with { tree in
            try tree.card("0000:01:00.0", vendor: "0x10de", driver: "nvidia")
            try tree.file(
                "proc/driver/nvidia/gpus/0000:01:00.0/information",
                "Model: \t\t NVIDIA H100 80GB HBM3\nIRQ:   \t\t 18\n")
            #expect(tree.inventory.idle.map(\.name) == ["NVIDIA H100 80GB HBM3"])
        }
    }

    @Test func filesThatAreNoneAreNothing() async throws {
        try await KernelTree.with { tree in
            let files = KernelFiles(root: tree.root)
            try tree.link("loop", to: "loop")
            try tree.link("far", to: "near")
            try tree.link("near", to: "far")
            try tree.file("folder/entry", "1")
            #expect(mkfifo("\(tree.root)/pipe", 0o600) == 0)
            try tree.file("long", String(repeating: "1", count: KernelFiles.longestFileBytes + 1))
            try tree.file("empty", "\n\n")
            for path in ["loop", "far", "folder", "pipe", "long", "empty", "missing", "loop/vendor"] {
                #expect(files.line(path) == nil, "\(path)")
                #expect(files.number(path) == nil, "\(path)")
            }
            #expect(files.names(in: "loop") == [])
            #expect(files.names(in: "long") == [])
            try tree.file("whole", String(repeating: "1", count: KernelFiles.longestFileBytes))
            #expect(files.text("whole")?.utf8.count == KernelFiles.longestFileBytes)
            #expect(truncate("\(tree.root)/long", 1 << 40) == 0)
            #expect(files.text("long") == nil)
        }
    }

    @Test func aTreeOfLoopsPipesAndHugeFilesHasNoGPUs() async throws {
        try await KernelTree.with { tree in
            try tree.link("sys/bus/pci/devices/0000:01:00.0", to: "0000:01:00.0")
            try tree.link("sys/class/kfd/kfd/topology/nodes", to: "nodes")
            try tree.card("0000:02:00.0", vendor: "0x10de")
            try tree.remove("sys/devices/pci0000:00/0000:02:00.0/class")
            #expect(mkfifo("\(tree.root)/sys/devices/pci0000:00/0000:02:00.0/class", 0o600) == 0)
            try tree.card("0000:03:00.0", vendor: "0x1002")
            #expect(truncate("\(tree.root)/sys/devices/pci0000:00/0000:03:00.0/vendor", 1 << 40) == 0)
            for number in 0..<(KernelFiles.mostEntries + 100) {
                try tree.file("sys/bus/pci/devices/nonsense-\(number)", "")
            }
            #expect(tree.inventory == GPUInventory())
        }
    }

    @Test func filesFullOfNonsenseGiveNoNonsense() async throws {
        let seed = UInt64.random(in: .min ... .max)
        var random = SeededRandom(seed: seed)
        try await KernelTree.with { tree in
            try tree.processorNode()
            try tree.amdNames()
            try tree.amdCard("0000:03:00.0", node: 1, render: 128)
            try tree.amdCard("0000:43:00.0", node: 2, render: 129)
            try tree.card("0000:01:00.0", vendor: "0x10de", driver: "nvidia")
            try tree.file("proc/driver/nvidia/gpus/0000:01:00.0/information", "Model: NVIDIA H100\n")
            try tree.file("sys/devices/pci0000:00/0000:03:00.0/product_name", "Instinct\n")
            let paths = (FileManager.default.subpaths(atPath: tree.root) ?? []).filter { path in
                var isFolder: ObjCBool = false
                return FileManager.default.fileExists(atPath: "\(tree.root)/\(path)", isDirectory: &isFolder)
                    && !isFolder.boolValue
            }.sorted()
            try #require(paths.count > 20)
            for round in 0..<300 {
                guard let path = paths.randomElement(using: &random) else { return }
                let original = try Data(contentsOf: URL(filePath: "\(tree.root)/\(path)"))
                try tree.file(path, random.nonsense(from: original))
                let inventory = tree.inventory
                let names = inventory.devices.map(\.name) + inventory.idle.compactMap(\.name)
                #expect(
                    names.allSatisfy { name in
                        name.count <= 128 && !name.isEmpty
                            && name.unicodeScalars.allSatisfy { $0.properties.generalCategory != .control }
                    }, "seed \(seed), round \(round), \(path)")
                #expect(inventory.devices.map(\.index) == Array(inventory.devices.indices), "seed \(seed)")
                #expect(
                    inventory.devices.allSatisfy { ($0.freeBytes ?? 0) <= $0.memoryBytes }, "seed \(seed), \(path)")
                try tree.file(path, original)
            }
            #expect(tree.inventory.devices.count == 2)
        }
    }
}

extension SeededRandom {
    /// A file's bytes, changed, cut, repeated or replaced.
    mutating func nonsense(from original: Data) -> Data {
        switch Int.random(in: 0..<6, using: &self) {
        case 0: return Data()
        case 1: return original.prefix(Int.random(in: 0...original.count, using: &self))
        case 2:
            return Data(
                (0..<Int.random(in: 1...5000, using: &self)).map { _ in UInt8.random(in: 0...255, using: &self) })
        case 3: return Data("-1 0x 99999999999999999999999999 \u{202E}\u{7} 0xffffffffffffffffff\n".utf8)
        case 4: return original + original + Data(repeating: 0, count: 100)
        default:
            var bytes = original
            for _ in 0..<4 {
                guard let place = bytes.indices.randomElement(using: &self) else { break }
                bytes[place] = UInt8.random(in: 0...255, using: &self)
            }
            return bytes
        }
    }
}
