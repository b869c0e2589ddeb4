/// The name of a worker's machine, as the worker gives it: 1 to 253 letters, digits, `.`, `-` and `_`, in any case.
package struct Hostname: Hashable, Sendable, Comparable, CustomStringConvertible {
    package let rawValue: String

    /// Nil for text that no host name may be.
    package init?(_ text: some StringProtocol) {
        let isPlain = text.utf8.allSatisfy { byte in
            switch byte {
            case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x2D, 0x2E, 0x5F: true
            default: false
            }
        }
        guard (1...253).contains(text.utf8.count), isPlain else { return nil }
        rawValue = String(text)
    }

    package var description: String { rawValue }

    package static func < (one: Hostname, other: Hostname) -> Bool { one.rawValue < other.rawValue }
}

/// Which kind of GPU a worker's engines use.
package enum GPUDriver: String, Sendable, Hashable, CaseIterable, Codable {
    case cuda
    case rocm
}
