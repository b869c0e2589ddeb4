package import Identifiers
package import Link

/// A node's record whose signature and content have been checked.
package struct SignedNodeRecord: Sendable {
    package let id: NodeID
    package let record: NodeRecord
    /// As the node has signed it, with what this version does not know of: it is passed on byte for byte.
    package let envelope: RecordEnvelope

    init(id: NodeID, record: NodeRecord, envelope: RecordEnvelope) {
        self.id = id
        self.record = record
        self.envelope = envelope
    }

    /// The addresses that may be called.
    package var addresses: [LinkAddress] { record.addresses.filter { !$0.isWildcard && $0.port > 0 } }
}
