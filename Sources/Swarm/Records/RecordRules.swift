#if canImport(FoundationEssentials)
    package import FoundationEssentials
#else
    package import Foundation
#endif

/// What a node record may hold. Whatever passes can be shown, summed and planned with as it is.
package enum RecordRules {
    package static let maximumBytes = 64 << 10
    package static let maximumModels = 512
    package static let maximumAddresses = 32
    package static let maximumLinks = 256
    package static let maximumShards = 1 << 16
    package static let maximumLayers: UInt32 = 4096
    package static let maximumRanges = 1024
    /// How far a record may be ahead of this node's clock.
    package static let clockTolerance: TimeInterval = 86_400

    /// Control characters could steer the terminal that a table of peers is printed on.
    static func isPrintable(_ scalar: Unicode.Scalar) -> Bool {
        scalar.value >= 32 && !(127...159).contains(scalar.value)
    }

    static func isModelID(_ name: String) -> Bool {
        (1...200).contains(name.utf8.count) && name.first != "."
            && name.utf8.allSatisfy { byte in
                (97...122).contains(byte) || (48...57).contains(byte) || byte == UInt8(ascii: "-")
                    || byte == UInt8(ascii: ".") || byte == UInt8(ascii: "_")
            }
    }

    static func isTime(_ milliseconds: Double) -> Bool {
        milliseconds.isFinite && milliseconds >= 0 && milliseconds < 1e7
    }
}
