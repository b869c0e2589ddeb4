/// A driver's library that tells about GPUs, as the calls that are made of it.
///
/// Each call throws ``GPULibraryFault`` for what the library refuses.
struct GPULibrary: Sendable {
    /// Memory of a device.
    struct Memory: Sendable, Hashable {
        var totalBytes: UInt64
        var freeBytes: UInt64?
    }

    /// As people call the library: “NVML”.
    var name: String
    var api: GPUDevice.API
    var start: @Sendable () throws(GPULibraryFault) -> Void
    var stop: @Sendable () -> Void
    var driverVersion: @Sendable () throws(GPULibraryFault) -> String
    var deviceCount: @Sendable () throws(GPULibraryFault) -> Int
    var deviceName: @Sendable (_ index: Int) throws(GPULibraryFault) -> String
    var uuid: @Sendable (_ index: Int) throws(GPULibraryFault) -> String
    var pciAddress: @Sendable (_ index: Int) throws(GPULibraryFault) -> PCIAddress
    var memory: @Sendable (_ index: Int) throws(GPULibraryFault) -> Memory
}

/// What a driver's library refused, or why it cannot be used.
struct GPULibraryFault: Error, Hashable, CustomStringConvertible {
    /// The library's number for it; `nil` when it was not asked.
    var code: Int32?
    var message: String

    var description: String { code.map { "\(message) (\($0))" } ?? message }
}

extension GPULibrary {
    /// The most devices that are believed to be in one machine.
    static let mostDevices = 256

    /// The devices that the library tells of, and sentences about what it could not tell.
    ///
    /// A device whose name is refused is lost and left out; whatever else is refused is left open.
    func devices() -> (devices: [GPUDevice], problems: [String]) {
        var problems: [String] = []
        do throws(GPULibraryFault) {
            try start()
        } catch {
            return ([], ["\(name) does not start: \(error)"])
        }
        defer { stop() }
        var count: Int
        do throws(GPULibraryFault) {
            count = try deviceCount()
        } catch {
            return ([], ["\(name) does not count its GPUs: \(error)"])
        }
        if !(0...Self.mostDevices).contains(count) {
            problems.append("\(name) counts \(count) GPUs; only \(Self.mostDevices) are looked at")
            count = max(0, min(count, Self.mostDevices))
        }
        let version = (try? driverVersion()).flatMap { DriverText.cleaned($0) }
        var devices: [GPUDevice] = []
        for index in 0..<count {
            do throws(GPULibraryFault) {
                let deviceName = try deviceName(index)
                let memory = try? memory(index)
                let total = memory?.totalBytes ?? 0
                devices.append(
                    GPUDevice(
                        api: api, index: index,
                        name: DriverText.cleaned(deviceName) ?? "\(api.displayName) GPU",
                        uuid: (try? uuid(index)).flatMap { DriverText.cleaned($0) },
                        pciAddress: try? pciAddress(index), memoryBytes: total,
                        freeBytes: memory?.freeBytes.flatMap { $0 <= total ? $0 : nil }, driverVersion: version))
            } catch {
                problems.append("\(name) counts \(count) GPUs, but number \(index) cannot be read: \(error)")
            }
        }
        return (devices, problems)
    }
}
