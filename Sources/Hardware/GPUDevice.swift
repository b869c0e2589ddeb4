/// A GPU that programs on this machine can compute with.
package struct GPUDevice: Sendable, Hashable {
    /// What programs compute through.
    package enum API: String, Sendable, Hashable, CaseIterable {
        case cuda
        case rocm

        /// As people write it.
        package var displayName: String {
            switch self {
            case .cuda: "CUDA"
            case .rocm: "ROCm"
            }
        }
    }

    package var api: API
    /// Its place among the devices of its API, from 0: for CUDA in the order of PCI addresses (what CUDA itself counts by with
    /// `CUDA_DEVICE_ORDER=PCI_BUS_ID`), for ROCm in the order of the kernel's topology, which HIP counts by.
    package var index: Int
    package var name: String
    /// As `CUDA_VISIBLE_DEVICES` and `ROCR_VISIBLE_DEVICES` take it: `GPU-` and hexadecimal digits.
    package var uuid: String?
    package var pciAddress: PCIAddress?
    /// Memory of its own; 0 where the driver does not say.
    package var memoryBytes: UInt64
    package var freeBytes: UInt64?
    package var driverVersion: String?
    /// Whether it is part of the processor and its memory a slice of the machine's.
    package var isIntegrated: Bool

    package init(
        api: API, index: Int, name: String, uuid: String? = nil, pciAddress: PCIAddress? = nil, memoryBytes: UInt64,
        freeBytes: UInt64? = nil, driverVersion: String? = nil, isIntegrated: Bool = false
    ) {
        self.api = api
        self.index = index
        self.name = name
        self.uuid = uuid
        self.pciAddress = pciAddress
        self.memoryBytes = memoryBytes
        self.freeBytes = freeBytes
        self.driverVersion = driverVersion
        self.isIntegrated = isIntegrated
    }

    /// Its memory in whole GiB, rounded to the nearest: drivers keep a few megabytes of what is printed on the box.
    package var memoryGigabytes: Int {
        Int(clamping: memoryBytes >> 30) + Int(memoryBytes >> 29 & 1)
    }

    /// One line for people: “CUDA Device 0: 8GB VRAM”.
    package var summary: String {
        let amount =
            switch memoryBytes {
            case 0: "unknown"
            case ..<(1 << 30): "\(memoryBytes >> 20)MB"
            default: "\(memoryGigabytes)GB"
            }
        return "\(api.displayName) Device \(index): \(amount) VRAM"
    }
}

/// A GPU in this machine that programs cannot compute with as things are.
package struct IdleGPU: Sendable, Hashable {
    package enum Vendor: UInt64, Sendable, Hashable {
        case nvidia = 0x10DE
        case amd = 0x1002

        package var displayName: String {
            switch self {
            case .nvidia: "NVIDIA"
            case .amd: "AMD"
            }
        }
    }

    package var vendor: Vendor
    package var pciAddress: PCIAddress
    package var name: String?
    /// Why it is idle.
    package var reason: String
    /// What to do about it.
    package var remedy: String

    package init(vendor: Vendor, pciAddress: PCIAddress, name: String?, reason: String, remedy: String) {
        self.vendor = vendor
        self.pciAddress = pciAddress
        self.name = name
        self.reason = reason
        self.remedy = remedy
    }
}
