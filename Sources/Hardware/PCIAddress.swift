/// Where a device sits on the PCI buses.
package struct PCIAddress: Sendable, Hashable, Comparable, CustomStringConvertible {
    package var domain: UInt32
    package var bus: UInt8
    /// 0 to 31.
    package var device: UInt8
    /// 0 to 7.
    package var function: UInt8

    package init(domain: UInt32, bus: UInt8, device: UInt8, function: UInt8) {
        self.domain = domain
        self.bus = bus
        self.device = device & 31
        self.function = function & 7
    }

    /// Reads `0000:03:00.0`; libraries write eight digits of the domain.
    package init?(_ text: some StringProtocol) {
        // The number's own readers take signs too.
        guard text.allSatisfy({ $0.isHexDigit || $0 == ":" || $0 == "." }) else { return nil }
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count == 3, parts.allSatisfy({ $0.utf8.count <= 8 }) else { return nil }
        let place = parts[2].split(separator: ".", omittingEmptySubsequences: false)
        guard place.count == 2, let domain = UInt32(parts[0], radix: 16), let bus = UInt8(parts[1], radix: 16),
            let device = UInt8(place[0], radix: 16), device < 32, let function = UInt8(place[1], radix: 16),
            function < 8
        else { return nil }
        self.init(domain: domain, bus: bus, device: device, function: function)
    }

    /// Reads the kernel's packed form: eight bits of bus, five of device, three of function.
    init(domain: UInt64, location: UInt64) {
        self.init(
            domain: UInt32(truncatingIfNeeded: domain), bus: UInt8(truncatingIfNeeded: location >> 8),
            device: UInt8(truncatingIfNeeded: location >> 3), function: UInt8(truncatingIfNeeded: location))
    }

    package var description: String {
        func digits(_ value: some BinaryInteger, _ count: Int) -> String {
            let text = String(value, radix: 16)
            return String(repeating: "0", count: max(0, count - text.utf8.count)) + text
        }
        return "\(digits(domain, 4)):\(digits(bus, 2)):\(digits(device, 2)).\(function)"
    }

    package static func < (one: PCIAddress, other: PCIAddress) -> Bool {
        (one.domain, one.bus, one.device, one.function) < (other.domain, other.bus, other.device, other.function)
    }
}
