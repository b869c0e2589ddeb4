import Dispatch
import Synchronization
import Testing

@testable import Hardware

@Suite struct GPUReaderTests {
    /// A driver that answers when it is let, and counts how often it was asked.
    private final class Driver: Sendable {
        let gate = DispatchSemaphore(value: 0)
        let calls = Mutex(0)

        var sources: GPUSources {
            GPUSources(
                root: "/nowhere",
                nvml: { [self] () throws(GPULibraryFault) in
                    calls.withLock { $0 += 1 }
                    gate.wait()
                    return GPULibrary(
                        name: "Gated", api: .cuda, start: {}, stop: {}, driverVersion: { "1" }, deviceCount: { 1 },
                        deviceName: { _ in "A GPU" }, uuid: { _ in "GPU-1" },
                        pciAddress: { _ in PCIAddress(domain: 0, bus: 1, device: 0, function: 0) },
                        memory: { _ in GPULibrary.Memory(totalBytes: 8 << 30, freeBytes: nil) })
                })
        }
    }

    @Test(.timeLimit(.minutes(1))) func aDriverThatHangsKeepsNobodyWaiting() async {
        let driver = Driver()
        let reader = GPUReader(driver.sources)
        let first = await reader.read(within: .milliseconds(20))
        #expect(first.devices == [])
        #expect(first.problems.count == 1)
        // It is known to hang now: nobody waits for it again.
        let second = await reader.read(within: .seconds(3600))
        #expect(second == first)
        #expect(driver.calls.withLock { $0 } == 1)
        driver.gate.signal()
        driver.gate.signal()
        var recovered = await reader.read(within: .seconds(3600), maximumAge: .seconds(3600))
        while recovered.devices.isEmpty {
            await Task.yield()
            recovered = await reader.read(within: .seconds(3600), maximumAge: .seconds(3600))
        }
        #expect(recovered.devices.map(\.summary) == ["CUDA Device 0: 8GB VRAM"])
        #expect(recovered.problems == [])
    }

    @Test(.timeLimit(.minutes(1))) func whoAsksMeanwhileWaitsForTheSameAnswer() async {
        let driver = Driver()
        let reader = GPUReader(driver.sources)
        async let patient = reader.read(within: .seconds(3600))
        while driver.calls.withLock({ $0 }) == 0 { await Task.yield() }
        let hasty = await reader.read(within: .zero)
        #expect(hasty.problems.count == 1)
        driver.gate.signal()
        #expect(await patient.devices.count == 1)
        #expect(driver.calls.withLock { $0 } == 1)
    }

    @Test func anAnswerThatIsNewEnoughIsGivenAgain() async {
        let driver = Driver()
        let reader = GPUReader(driver.sources)
        driver.gate.signal()
        driver.gate.signal()
        for _ in 0..<3 {
            #expect(await reader.read(maximumAge: .seconds(3600)).devices.count == 1)
        }
        #expect(driver.calls.withLock { $0 } == 1)
        _ = await reader.read()
        #expect(driver.calls.withLock { $0 } == 2)
    }

    @Test func thisMachineCanBeRead() async {
        let inventory = await GPUInventory.read(within: .seconds(30))
        #expect(inventory.devices(of: .cuda).count + inventory.devices(of: .rocm).count == inventory.devices.count)
        #expect(inventory.devices.allSatisfy { !$0.name.isEmpty })
    }
}
