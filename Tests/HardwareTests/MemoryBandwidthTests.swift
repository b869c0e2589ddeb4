import Foundation
import Testing

@testable import Hardware

@Suite("The speed of the machine's memory")
struct MemoryBandwidthTests {
    @Test(
        "Is measured with a quarter of what is free, of the machine and of a container, and not with next to nothing",
        arguments: [
            ("MemTotal: 9 kB\nMemAvailable:    8388608 kB\n", nil, nil, 512 << 20),
            ("MemAvailable: 1048576 kB", nil, nil, 256 << 20), ("MemAvailable: 262144 kB", nil, nil, 64 << 20),
            ("MemAvailable: 262143 kB", nil, nil, nil), ("MemAvailable: 8388608 kB", "max\n", "5\n", 512 << 20),
            ("MemAvailable: 8388608 kB", "4294967296\n", "3758096384\n", 128 << 20),
            ("MemAvailable: 8388608 kB", "4294967296\n", "4290000000\n", nil),
            ("MemAvailable: 8388608 kB", "1\n", "9223372036854775807\n", nil), ("", nil, nil, nil),
            ("MemAvailable: x kB", nil, nil, nil), ("MemAvailable:", "1", "1", nil),
            ("MemAvailable: 9223372036854775807 kB", nil, nil, nil),
        ] as [(String, String?, String?, Int?)])
    func affordable(meminfo: String, limit: String?, used: String?, expected: Int?) {
        #expect(MemoryBandwidth.affordableBytes(meminfo: meminfo, limit: limit, used: used) == expected)
    }

    @Test("Is measured on this machine, if it has so much memory")
    func here() throws {
        let free = try MemoryBandwidth.affordableBytes(
            meminfo: String(contentsOfFile: "/proc/meminfo", encoding: .utf8), limit: nil, used: nil)
        #expect(
            MemoryBandwidth.measure() != nil || free == nil
                || FileManager.default.fileExists(atPath: "/sys/fs/cgroup/memory.max"))
    }

    @Test(
        "Is measured with any number of processors, and nothing is said where nothing can be read",
        arguments: [(1 << 20, 1, true), (1 << 20, 3, true), (4096, 4096, true), (0, 1, false), (100, 101, false)])
    func measured(bytes: Int, processors: Int, isKnown: Bool) {
        let speed = MemoryBandwidth.measure(bytes: bytes, processors: processors)
        #expect((speed.map { $0 > 0 && $0.isFinite } ?? false) == isKnown)
    }
}
