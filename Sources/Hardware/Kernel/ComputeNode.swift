/// An AMD GPU that the kernel offers for computing: a node of `/sys/class/kfd/kfd/topology` (the kernel's
/// `drivers/gpu/drm/amd/amdkfd/kfd_topology.c`).
struct ComputeNode {
    var address: PCIAddress
    var name: String
    /// The number on the chip; `nil` where it has none.
    var uniqueID: UInt64?
    var memoryBytes: UInt64
    var freeBytes: UInt64?
    var isIntegrated: Bool

    private static let folder = "sys/class/kfd/kfd/topology/nodes"
    /// Size of a heap that lies in the GPU's own memory: public or private frame buffer (`HSA_MEM_HEAP_TYPE_FB_…`).
    private static let frameBufferHeaps: Set<UInt64> = [1, 2]

    /// More than this is nonsense.
    private static let mostBankBytes: UInt64 = 1 << 50

    /// Every node that is a GPU and may be used from here, in the kernel's order. A container's nodes that are not its own
    /// cannot be read.
    static func all(in files: KernelFiles, cards: [PCICard]) -> [ComputeNode] {
        files.names(in: folder).compactMap { UInt32($0) }.sorted().compactMap { ComputeNode($0, files, cards) }
    }

    private init?(_ number: UInt32, _ files: KernelFiles, _ cards: [PCICard]) {
        let node = "\(Self.folder)/\(number)"
        guard let text = files.text("\(node)/properties") else { return nil }
        let properties = Self.properties(text)
        guard properties["simd_count", default: 0] > 0, properties["vendor_id"] == IdleGPU.Vendor.amd.rawValue else {
            return nil
        }
        let render = properties["drm_render_minor", default: 0]
        let device = "sys/class/drm/renderD\(render)/device"
        let address =
            files.linkedName(device).flatMap { PCIAddress($0) }
            ?? PCIAddress(domain: properties["domain", default: 0], location: properties["location_id", default: 0])
        self.address = address
        name =
            files.line("\(device)/product_name")
            ?? cards.first { $0.address == address }?.amdName(in: files)
            ?? Self.architecture(properties["gfx_target_version", default: 0]).map { "AMD \($0)" } ?? "AMD GPU"
        uniqueID = properties["unique_id"].flatMap { $0 == 0 ? nil : $0 }
        memoryBytes = files.number("\(device)/mem_info_vram_total") ?? Self.bankBytes(files, node)
        let total = memoryBytes
        freeBytes = files.number("\(device)/mem_info_vram_used").flatMap { $0 <= total ? total - $0 : nil }
        // Chips that are part of a processor have no board, and memory of no maker of memory.
        let isWithoutBoard =
            files.line("\(device)/mem_info_vram_vendor") == "unknown" && !files.exists("\(device)/board_info")
        isIntegrated = properties["cpu_cores_count", default: 0] > 0 || isWithoutBoard
    }

    /// Lines of a name and a number; others are passed over.
    private static func properties(_ text: String) -> [Substring: UInt64] {
        var properties: [Substring: UInt64] = [:]
        for line in text.split(whereSeparator: \.isNewline) {
            let fields = line.split(separator: " ")
            if fields.count == 2, let value = UInt64(fields[1]) { properties[fields[0]] = value }
        }
        return properties
    }

    /// Memory of the GPU's own that the node lists, for drivers that say no more.
    private static func bankBytes(_ files: KernelFiles, _ node: String) -> UInt64 {
        files.names(in: "\(node)/mem_banks").reduce(0) { sum, bank in
            guard let text = files.text("\(node)/mem_banks/\(bank)/properties") else { return sum }
            let properties = properties(text)
            guard frameBufferHeaps.contains(properties["heap_type", default: 0]) else { return sum }
            let size = properties["size_in_bytes", default: 0]
            return size <= mostBankBytes && sum <= mostBankBytes ? sum + size : sum
        }
    }

    /// 110000 is gfx1100, 90010 is gfx90a: two decimal digits each of minor and stepping, written in hexadecimal.
    static func architecture(_ version: UInt64) -> String? {
        guard version > 0, version < 1_000_000 else { return nil }
        return "gfx\(version / 10000)\(String(version / 100 % 100, radix: 16))\(String(version % 100, radix: 16))"
    }
}
