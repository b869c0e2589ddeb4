extension GPULibrary {
    /// Where drivers of NVIDIA install their management library.
    static let nvmlNames = ["libnvidia-ml.so.1"]

    // Signatures of nvml.h: `nvmlReturn_t` is an enumeration, `nvmlDevice_t` a pointer.
    private typealias Plain = @convention(c) @Sendable () -> Int32
    private typealias Count = @convention(c) @Sendable (UnsafeMutablePointer<UInt32>) -> Int32
    private typealias Handle = @convention(c) @Sendable (UInt32, UnsafeMutablePointer<OpaquePointer?>) -> Int32
    private typealias DeviceText =
        @convention(c) @Sendable (OpaquePointer, UnsafeMutablePointer<CChar>, UInt32) -> Int32
    private typealias SystemText = @convention(c) @Sendable (UnsafeMutablePointer<CChar>, UInt32) -> Int32
    private typealias DeviceBytes = @convention(c) @Sendable (OpaquePointer, UnsafeMutableRawPointer) -> Int32
    private typealias Explain = @convention(c) @Sendable (Int32) -> UnsafePointer<CChar>?

    /// NVIDIA's management library, of which only calls are used that every version since 2014 has.
    ///
    /// - Returns: `nil` where it is not installed.
    static func nvml(names: [String] = nvmlNames) throws(GPULibraryFault) -> GPULibrary? {
        guard let library = try DynamicLibrary(anyOf: names) else { return nil }
        let explain = try library.function("nvmlErrorString", as: Explain.self)
        let start = try library.function("nvmlInit_v2", as: Plain.self)
        let stop = try library.function("nvmlShutdown", as: Plain.self)
        let version = try library.function("nvmlSystemGetDriverVersion", as: SystemText.self)
        let count = try library.function("nvmlDeviceGetCount_v2", as: Count.self)
        let handle = try library.function("nvmlDeviceGetHandleByIndex_v2", as: Handle.self)
        let name = try library.function("nvmlDeviceGetName", as: DeviceText.self)
        let uuid = try library.function("nvmlDeviceGetUUID", as: DeviceText.self)
        let memory = try library.function("nvmlDeviceGetMemoryInfo", as: DeviceBytes.self)
        let place = try? library.function("nvmlDeviceGetPciInfo_v3", as: DeviceBytes.self)

        @Sendable func check(_ code: Int32) throws(GPULibraryFault) {
            guard code != 0 else { return }
            let message = explain(code).flatMap { DriverText.cleaned(String(cString: $0)) }
            throw GPULibraryFault(code: code, message: message ?? "unknown error")
        }
        @Sendable func device(_ index: Int) throws(GPULibraryFault) -> OpaquePointer {
            var device: OpaquePointer?
            try check(handle(UInt32(clamping: index), &device))
            guard let device else { throw GPULibraryFault(message: "no handle for device \(index)") }
            return device
        }
        @Sendable func text(_ call: DeviceText, of index: Int) throws(GPULibraryFault) -> String {
            let device = try device(index)
            return try textWritten { (buffer, count) throws(GPULibraryFault) in
                try check(call(device, buffer, UInt32(count)))
            }
        }
        /// Lets a call fill a structure of the header, given by the offsets of its fields, in twice the room that it needs.
        @Sendable func structure<Value>(
            _ call: DeviceBytes, of index: Int, read: (UnsafeRawBufferPointer) -> Value
        ) throws(GPULibraryFault) -> Value {
            let device = try device(index)
            let bytes = UnsafeMutableRawBufferPointer.allocate(byteCount: 256, alignment: 16)
            defer { bytes.deallocate() }
            bytes.initializeMemory(as: UInt8.self, repeating: 0)
            guard let start = bytes.baseAddress else { throw GPULibraryFault(message: "no memory") }
            try check(call(device, start))
            return read(UnsafeRawBufferPointer(bytes))
        }

        return GPULibrary(
            name: "NVML", api: .cuda,
            start: { () throws(GPULibraryFault) in try check(start()) },
            stop: { _ = stop() },
            driverVersion: { () throws(GPULibraryFault) in
                try textWritten { (buffer, count) throws(GPULibraryFault) in try check(version(buffer, UInt32(count))) }
            },
            deviceCount: { () throws(GPULibraryFault) in
                var devices: UInt32 = 0
                try check(count(&devices))
                return Int(devices)
            },
            deviceName: { (index) throws(GPULibraryFault) in try text(name, of: index) },
            uuid: { (index) throws(GPULibraryFault) in try text(uuid, of: index) },
            pciAddress: { (index) throws(GPULibraryFault) in
                guard let place else { throw GPULibraryFault(message: "not told by this version") }
                // nvmlPciInfo_t: char busIdLegacy[16]; unsigned int domain, bus, device, …; the function is always 0.
                return try structure(place, of: index) { bytes in
                    PCIAddress(
                        domain: bytes.load(fromByteOffset: 16, as: UInt32.self),
                        bus: UInt8(truncatingIfNeeded: bytes.load(fromByteOffset: 20, as: UInt32.self)),
                        device: UInt8(truncatingIfNeeded: bytes.load(fromByteOffset: 24, as: UInt32.self)), function: 0)
                }
            },
            memory: { (index) throws(GPULibraryFault) in
                // nvmlMemory_t: unsigned long long total, free, used.
                try structure(memory, of: index) { bytes in
                    Memory(
                        totalBytes: bytes.load(fromByteOffset: 0, as: UInt64.self),
                        freeBytes: bytes.load(fromByteOffset: 8, as: UInt64.self))
                }
            })
    }
}
