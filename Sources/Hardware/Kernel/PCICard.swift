/// A card on the PCI buses that can display or compute, as the kernel's `/sys/bus/pci/devices` lists it.
struct PCICard {
    var vendor: IdleGPU.Vendor
    var address: PCIAddress
    var deviceID: UInt64
    var revision: UInt64
    /// The driver that the kernel has bound to it.
    var driver: String?

    /// Every card of the vendors known here, by address.
    static func all(in files: KernelFiles) -> [PCICard] {
        let folder = "sys/bus/pci/devices"
        return files.names(in: folder)
            .compactMap { name -> PCICard? in
                let device = "\(folder)/\(name)"
                guard let address = PCIAddress(name), let vendor = files.number("\(device)/vendor"),
                    let vendor = IdleGPU.Vendor(rawValue: vendor), let kind = files.number("\(device)/class"),
                    isGPU(classCode: kind)
                else { return nil }
                return PCICard(
                    vendor: vendor, address: address, deviceID: files.number("\(device)/device") ?? 0,
                    revision: files.number("\(device)/revision") ?? 0, driver: files.linkedName("\(device)/driver"))
            }
            .sorted { $0.address < $1.address }
    }

    /// Base class 03 are display controllers, 12 processing accelerators (PCI Code and ID Assignment Specification, 1.3 and 1.19).
    private static func isGPU(classCode: UInt64) -> Bool { [0x03, 0x12].contains(classCode >> 16) }

    /// What AMD calls the card, from the list that libdrm installs; `nil` where it is not installed or does not know the card.
    ///
    /// Lines of the list are `744C,	C8,	AMD Radeon RX 7900 XTX`.
    func amdName(in files: KernelFiles) -> String? {
        let paths = ["usr/share/libdrm/amdgpu.ids", "opt/amdgpu/share/libdrm/amdgpu.ids"]
        guard let list = paths.lazy.compactMap({ files.text($0, limit: 1 << 20) }).first else { return nil }
        for line in list.split(whereSeparator: \.isNewline) {
            let fields = line.split(separator: ",", maxSplits: 2)
            guard fields.count == 3, hexadecimal(fields[0]) == deviceID, hexadecimal(fields[1]) == revision else {
                continue
            }
            return DriverText.cleaned(fields[2])
        }
        return nil
    }

    /// What the NVIDIA driver calls the card.
    func nvidiaName(in files: KernelFiles) -> String? {
        files.text("proc/driver/nvidia/gpus/\(address)/information")?.split(whereSeparator: \.isNewline)
            .first { $0.hasPrefix("Model:") }
            .flatMap { DriverText.cleaned($0.dropFirst("Model:".count)) }
    }

    private func hexadecimal(_ text: Substring) -> UInt64? {
        DriverText.cleaned(text).flatMap { UInt64($0, radix: 16) }
    }
}
