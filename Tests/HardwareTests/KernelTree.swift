import Foundation

@testable import Hardware

/// Files and links in a temporary folder that stand for the kernel's.
struct KernelTree {
    let root: String

    /// Runs `body` with an empty tree, which is gone afterwards.
    static func with<Result>(_ body: (KernelTree) async throws -> Result) async throws -> Result {
        let folder = FileManager.default.temporaryDirectory.appending(path: "hardware-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        return try await body(KernelTree(root: folder.path))
    }

    var inventory: GPUInventory { GPUSources(root: root).inventory() }

    func file(_ path: String, _ text: String) throws {
        try file(path, Data(text.utf8))
    }

    func file(_ path: String, _ bytes: Data) throws {
        try makeFolder(of: path)
        try bytes.write(to: URL(filePath: "\(root)/\(path)"))
    }

    func link(_ path: String, to target: String) throws {
        try makeFolder(of: path)
        try FileManager.default.createSymbolicLink(atPath: "\(root)/\(path)", withDestinationPath: target)
    }

    func makeFolder(of path: String) throws {
        let folder = URL(filePath: "\(root)/\(path)").deletingLastPathComponent()
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    }

    func remove(_ path: String) throws {
        try FileManager.default.removeItem(atPath: "\(root)/\(path)")
    }

    /// A card on the PCI buses, where the kernel links it from `/sys/bus/pci/devices`.
    func card(
        _ address: String, vendor: String, device: String = "0x2684", revision: String = "0xa1",
        kind: String = "0x030000", driver: String? = nil
    ) throws {
        let folder = "sys/devices/pci0000:00/\(address)"
        try file("\(folder)/vendor", "\(vendor)\n")
        try file("\(folder)/device", "\(device)\n")
        try file("\(folder)/revision", "\(revision)\n")
        try file("\(folder)/class", "\(kind)\n")
        if let driver { try link("\(folder)/driver", to: "../../../bus/pci/drivers/\(driver)") }
        try link("sys/bus/pci/devices/\(address)", to: "../../../devices/pci0000:00/\(address)")
    }

    /// An AMD card with amdgpu as its driver, and its node in the topology of what computes.
    func amdCard(
        _ address: String, node: Int, render: Int, device: UInt64 = 0x744C, memory: UInt64 = 24 << 30,
        used: UInt64 = 1 << 30, uniqueID: UInt64 = 0, processorCores: Int = 0, hasBoard: Bool = true
    ) throws {
        let folder = "sys/devices/pci0000:00/\(address)"
        try card(
            address, vendor: "0x1002", device: "0x" + String(device, radix: 16), revision: "0xc8", driver: "amdgpu")
        try file("\(folder)/mem_info_vram_total", "\(memory)\n")
        try file("\(folder)/mem_info_vram_used", "\(used)\n")
        try file("\(folder)/mem_info_vram_vendor", hasBoard ? "samsung\n" : "unknown\n")
        if hasBoard { try file("\(folder)/board_info", "type : cem\n") }
        try link("sys/class/drm/renderD\(render)/device", to: "../../../devices/pci0000:00/\(address)")
        try file(
            "sys/class/kfd/kfd/topology/nodes/\(node)/properties",
            """
            cpu_cores_count \(processorCores)
            simd_count 192
            gfx_target_version 110000
            vendor_id 4098
            device_id \(device)
            location_id 768
            domain 0
            drm_render_minor \(render)
            unique_id \(uniqueID)

            """)
    }

    /// The node of the processor, which computes nothing.
    func processorNode() throws {
        try file(
            "sys/class/kfd/kfd/topology/nodes/0/properties",
            "cpu_cores_count 16\nsimd_count 0\nvendor_id 0\ndrm_render_minor 0\n")
    }

    func amdNames() throws {
        try file(
            "usr/share/libdrm/amdgpu.ids",
            "# List of AMDGPU IDs\n1.0.0\n164E,\tD8,\tAMD Radeon 610M\n744C,\tC8,\tAMD Radeon RX 7900 XTX\n")
    }
}
