import Testing

@testable import Hardware

@Suite("The speed of the machine's memory")
struct MemoryBandwidthTests {
    @Test(
        "Is measured with any number of processors, and nothing is said where nothing can be read",
        arguments: [(1 << 20, 1, true), (1 << 20, 3, true), (4096, 4096, true), (0, 1, false), (100, 101, false)])
    func measured(bytes: Int, processors: Int, isKnown: Bool) {
        let speed = MemoryBandwidth.measure(bytes: bytes, processors: processors)
        #expect((speed.map { $0 > 0 && $0.isFinite } ?? false) == isKnown)
    }
}
