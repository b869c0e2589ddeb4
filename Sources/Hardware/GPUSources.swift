/// Where an inventory of GPUs looks.
package struct GPUSources: Sendable {
    let files: KernelFiles
    let nvml: @Sendable () throws(GPULibraryFault) -> GPULibrary?
    let rocmSMI: @Sendable () throws(GPULibraryFault) -> GPULibrary?

    /// This machine's kernel and drivers.
    package static let system = GPUSources(
        root: "", nvml: { () throws(GPULibraryFault) in try .nvml() },
        rocmSMI: { () throws(GPULibraryFault) in try .rocmSMI() })

    /// - Parameter root: the folder that holds `sys`, `proc` and `usr`; empty for the machine's own.
    init(
        root: String, nvml: @escaping @Sendable () throws(GPULibraryFault) -> GPULibrary? = { nil },
        rocmSMI: @escaping @Sendable () throws(GPULibraryFault) -> GPULibrary? = { nil }
    ) {
        files = KernelFiles(root: root)
        self.nvml = nvml
        self.rocmSMI = rocmSMI
    }

    /// Looks everywhere. This may wait for a driver: see ``GPUReader``.
    func inventory() -> GPUInventory {
        let cards = PCICard.all(in: files)
        var inventory = GPUInventory()
        let nvidia = devices(of: nvml, in: &inventory)
        let rocm = devices(of: rocmSMI, in: &inventory)
        inventory.devices = (nvidia ?? []) + amdDevices(cards: cards, listed: rocm ?? [])
        let used = Set(inventory.devices.compactMap(\.pciAddress))
        // A driver that tells of GPUs without their places may mean any of its cards.
        let isPlaced = inventory.devices.allSatisfy { $0.api != .cuda || $0.pciAddress != nil }
        inventory.idle = cards.filter { !used.contains($0.address) && ($0.vendor != .nvidia || isPlaced) }.map { card in
            let (reason, remedy) = reason(card, hasLibrary: nvidia != nil)
            return IdleGPU(
                vendor: card.vendor, pciAddress: card.address,
                name: card.vendor == .nvidia ? card.nvidiaName(in: files) : card.amdName(in: files), reason: reason,
                remedy: remedy)
        }
        return inventory
    }

    /// What a library lists; `nil` where it is not installed or cannot be used.
    private func devices(
        of load: () throws(GPULibraryFault) -> GPULibrary?, in inventory: inout GPUInventory
    ) -> [GPUDevice]? {
        do throws(GPULibraryFault) {
            guard let library = try load() else { return nil }
            let (devices, problems) = library.devices()
            inventory.problems += problems
            return devices
        } catch {
            inventory.problems.append(error.description)
            return nil
        }
    }

    /// The kernel's list in the kernel's order, with what the library knows better; then what only the library knows.
    private func amdDevices(cards: [PCICard], listed: [GPUDevice]) -> [GPUDevice] {
        let version = files.line("sys/module/amdgpu/version") ?? files.line("proc/sys/kernel/osrelease")
        var listed = listed
        var devices = ComputeNode.all(in: files, cards: cards).map { node in
            // Parts of one GPU share its place, and the library tells them in order too.
            let known = listed.firstIndex { $0.pciAddress == node.address }.map { listed.remove(at: $0) }
            return GPUDevice(
                api: .rocm, index: 0, name: known?.name ?? node.name,
                uuid: node.uniqueID.flatMap { GPUDevice.rocmUUID($0) } ?? known?.uuid, pciAddress: node.address,
                memoryBytes: node.memoryBytes > 0 ? node.memoryBytes : known?.memoryBytes ?? 0,
                freeBytes: node.freeBytes ?? known?.freeBytes, driverVersion: known?.driverVersion ?? version,
                isIntegrated: node.isIntegrated)
        }
        devices += listed
        for index in devices.indices { devices[index].index = index }
        return devices
    }

    /// Why a card is idle, and what to do.
    private func reason(_ card: PCICard, hasLibrary: Bool) -> (String, String) {
        switch (card.vendor, card.driver) {
        case (.nvidia, nil): ("the kernel has no driver for it", "install NVIDIA's driver")
        case (.amd, nil): ("the kernel has no driver for it", "load amdgpu")
        case (_, "vfio-pci"?): ("it is set aside for virtual machines (vfio-pci)", "unbind it to use it here")
        case (.nvidia, "nvidia"?) where hasLibrary:
            ("its driver does not offer it to this process", "see nvidia-smi, and what the container may use")
        case (.nvidia, "nvidia"?):
            ("its driver is there, but libnvidia-ml.so.1 is not", "install the libraries of NVIDIA's driver")
        case (.nvidia, let driver?): ("its driver, \(shown(driver)), does not compute", "install NVIDIA's driver")
        case (.amd, "amdgpu"?):
            ("its driver does not offer it for computing", "look for it with rocminfo, and for /dev/kfd")
        case (.amd, let driver?): ("its driver, \(shown(driver)), does not compute", "use amdgpu")
        }
    }

    private func shown(_ driver: String) -> String { DriverText.cleaned(driver) ?? "there" }
}
