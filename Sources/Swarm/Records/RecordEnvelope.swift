#if canImport(FoundationEssentials)
    package import FoundationEssentials
#else
    package import Foundation
#endif

/// A node's record as it travels. Nothing of it is checked.
package struct RecordEnvelope: Hashable, Sendable {
    /// A serialized `NodeRecord`.
    package var record: Data
    /// Ed25519, by the key that is the node's id.
    package var signature: Data
}
