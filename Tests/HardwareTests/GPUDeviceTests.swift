import Testing

@testable import Hardware

@Suite struct GPUDeviceTests {
    @Test(arguments: [
        (0, "CUDA Device 3: unknown VRAM", 0), (512 << 20, "CUDA Device 3: 512MB VRAM", 1),
        (8188 << 20, "CUDA Device 3: 8GB VRAM", 8), (81559 << 20, "CUDA Device 3: 80GB VRAM", 80),
        (UInt64.max, "CUDA Device 3: 17179869184GB VRAM", 1 << 34),
    ])
    func aDeviceIsShownWithItsMemory(bytes: UInt64, line: String, gigabytes: Int) {
        let device = GPUDevice(api: .cuda, index: 3, name: "any", memoryBytes: bytes)
        #expect(device.summary == line)
        #expect(device.memoryGigabytes == gigabytes)
    }

    @Test(arguments: [
        ("0000:03:00.0", "0000:03:00.0"), ("00000000:3B:1F.7", "0000:3b:1f.7"), ("10000:00:00.0", "10000:00:00.0"),
        ("0000:03:20.0", nil), ("0000:03:00.8", nil), ("0000:03:00", nil), ("000000000:03:00.0", nil), ("", nil),
        ("::.", nil), ("0000:100:00.0", nil), ("+1:-0:00.0", nil), ("0000:03:00.0.0", nil), ("a:b:c:d.0", nil),
    ])
    func placesOnThePCIBusesAreReadAndWritten(text: String, written: String?) {
        #expect(PCIAddress(text)?.description == written)
    }

    @Test(
        arguments: [
            (110_000, "gfx1100"), (90_010, "gfx90a"), (90_402, "gfx942"), (100_300, "gfx1030"), (0, nil), (.max, nil),
        ] as [(UInt64, String?)])
    func architecturesHaveTheirNames(version: UInt64, name: String?) {
        #expect(ComputeNode.architecture(version) == name)
    }
}
