extension GPULibrary {
    /// Where ROCm installs its management library: the name without a version is there only with its headers.
    static let rocmSMINames =
        ["librocm_smi64.so"] + [8, 7, 6, 5, 1].map { "librocm_smi64.so.\($0)" } + ["/opt/rocm/lib/librocm_smi64.so"]

    // Signatures of rocm_smi.h: `rsmi_status_t`, `rsmi_memory_type_t` and `rsmi_sw_component_t` are enumerations.
    private typealias Start = @convention(c) @Sendable (UInt64) -> Int32
    private typealias Plain = @convention(c) @Sendable () -> Int32
    private typealias Count = @convention(c) @Sendable (UnsafeMutablePointer<UInt32>) -> Int32
    private typealias Explain =
        @convention(c) @Sendable (Int32, UnsafeMutablePointer<UnsafePointer<CChar>?>) -> Int32
    private typealias SystemText = @convention(c) @Sendable (Int32, UnsafeMutablePointer<CChar>, UInt32) -> Int32
    private typealias DeviceText = @convention(c) @Sendable (UInt32, UnsafeMutablePointer<CChar>, Int) -> Int32
    private typealias DeviceNumber = @convention(c) @Sendable (UInt32, UnsafeMutablePointer<UInt64>) -> Int32
    private typealias DeviceMemory = @convention(c) @Sendable (UInt32, Int32, UnsafeMutablePointer<UInt64>) -> Int32

    /// `RSMI_MEM_TYPE_VRAM`.
    private static let ownMemory: Int32 = 0
    /// `RSMI_SW_COMP_DRIVER`.
    private static let driverComponent: Int32 = 0

    /// ROCm's system management interface.
    ///
    /// - Returns: `nil` where it is not installed.
    static func rocmSMI(names: [String] = rocmSMINames) throws(GPULibraryFault) -> GPULibrary? {
        guard let library = try DynamicLibrary(anyOf: names) else { return nil }
        let explain = try library.function("rsmi_status_string", as: Explain.self)
        let start = try library.function("rsmi_init", as: Start.self)
        let stop = try library.function("rsmi_shut_down", as: Plain.self)
        let version = try library.function("rsmi_version_str_get", as: SystemText.self)
        let count = try library.function("rsmi_num_monitor_devices", as: Count.self)
        let name = try library.function("rsmi_dev_name_get", as: DeviceText.self)
        let uniqueID = try library.function("rsmi_dev_unique_id_get", as: DeviceNumber.self)
        let place = try library.function("rsmi_dev_pci_id_get", as: DeviceNumber.self)
        let total = try library.function("rsmi_dev_memory_total_get", as: DeviceMemory.self)
        let used = try library.function("rsmi_dev_memory_usage_get", as: DeviceMemory.self)

        @Sendable func check(_ code: Int32) throws(GPULibraryFault) {
            guard code != 0 else { return }
            var text: UnsafePointer<CChar>?
            let message = explain(code, &text) == 0 ? text.flatMap { DriverText.cleaned(String(cString: $0)) } : nil
            throw GPULibraryFault(code: code, message: message ?? "unknown error")
        }
        @Sendable func number(_ call: DeviceNumber, of index: Int) throws(GPULibraryFault) -> UInt64 {
            var value: UInt64 = 0
            try check(call(UInt32(clamping: index), &value))
            return value
        }
        @Sendable func bytes(_ call: DeviceMemory, of index: Int) throws(GPULibraryFault) -> UInt64 {
            var value: UInt64 = 0
            try check(call(UInt32(clamping: index), ownMemory, &value))
            return value
        }

        return GPULibrary(
            name: "ROCm SMI", api: .rocm,
            start: { () throws(GPULibraryFault) in try check(start(0)) },
            stop: { _ = stop() },
            driverVersion: { () throws(GPULibraryFault) in
                try textWritten { (buffer, count) throws(GPULibraryFault) in
                    try check(version(driverComponent, buffer, UInt32(count)))
                }
            },
            deviceCount: { () throws(GPULibraryFault) in
                var devices: UInt32 = 0
                try check(count(&devices))
                return Int(devices)
            },
            deviceName: { (index) throws(GPULibraryFault) in
                try textWritten { (buffer, count) throws(GPULibraryFault) in
                    try check(name(UInt32(clamping: index), buffer, count))
                }
            },
            uuid: { (index) throws(GPULibraryFault) in
                guard let uuid = GPUDevice.rocmUUID(try number(uniqueID, of: index)) else {
                    throw GPULibraryFault(message: "the chip has no number")
                }
                return uuid
            },
            pciAddress: { (index) throws(GPULibraryFault) in
                // Domain in the upper half, a partition's number in bits 28 to 31, then bus, device and function.
                let packed = try number(place, of: index)
                return PCIAddress(domain: packed >> 32, location: packed & 0xFFFF)
            },
            memory: { (index) throws(GPULibraryFault) in
                let all = try bytes(total, of: index)
                let taken = try? bytes(used, of: index)
                return Memory(totalBytes: all, freeBytes: taken.flatMap { $0 <= all ? all - $0 : nil })
            })
    }
}

extension GPUDevice {
    /// ROCm's name of a chip by the number on it; `nil` for 0, which chips without one have.
    static func rocmUUID(_ uniqueID: UInt64) -> String? {
        guard uniqueID != 0 else { return nil }
        let digits = String(uniqueID, radix: 16)
        return "GPU-" + String(repeating: "0", count: 16 - digits.utf8.count) + digits
    }
}
