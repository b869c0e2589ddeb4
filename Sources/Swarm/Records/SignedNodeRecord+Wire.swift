import Identifiers
package import Link
import SwiftProtobuf

#if canImport(FoundationEssentials)
    package import FoundationEssentials
#else
    package import Foundation
#endif

extension SignedNodeRecord {
    private static let context = Array("shoal-node-record-v1".utf8)

    /// Signs this node's own record. Of one that breaks the rules, what does not is signed.
    ///
    /// - Throws: `SwarmError` with `badRecord` when it cannot be made right.
    package init(_ record: NodeRecord, identity: NodeIdentity, now: Date) throws(SwarmError) {
        let message = Shoal_V1_NodeRecord(record, of: identity.id)
        do throws(SwarmError) {
            try self.init(signing: message, identity: identity, now: now)
        } catch {
            try self.init(signing: RecordRules.fitted(message), identity: identity, now: now)
        }
    }

    /// - Throws: `SwarmError` with `badRecord` when the record breaks `RecordRules`.
    init(signing message: Shoal_V1_NodeRecord, identity: NodeIdentity, now: Date) throws(SwarmError) {
        do {
            let bytes: [UInt8] = try message.serializedBytes()
            let signature = Data(try identity.sign(Self.context + bytes))
            try RecordRules.check(message, sizeBytes: bytes.count, now: now)
            self.init(
                id: identity.id, record: NodeRecord(checked: message),
                envelope: RecordEnvelope(record: Data(bytes), signature: signature))
        } catch let error as SwarmError {
            throw error
        } catch {
            throw SwarmError(.badRecord, "this node's record could not be signed", cause: error)
        }
    }

    /// Checks a record that came from elsewhere.
    ///
    /// - Throws: `SwarmError` with `badRecord`, whose message says what is wrong with it.
    package init(checking envelope: RecordEnvelope, now: Date) throws(SwarmError) {
        guard envelope.record.count <= RecordRules.maximumBytes else {
            throw SwarmError(.badRecord, "a record of \(envelope.record.count) bytes is too large")
        }
        var options = BinaryDecodingOptions()
        options.messageDepthLimit = 16
        guard let message = try? Shoal_V1_NodeRecord(serializedBytes: envelope.record, options: options) else {
            throw SwarmError(.badRecord, "a record cannot be read")
        }
        guard let id = NodeID(bytes: message.nodeID) else { throw SwarmError(.badRecord, "a record has no node id") }
        guard NodeIdentity.verify(Array(envelope.signature), of: Self.context + Array(envelope.record), by: id) else {
            throw SwarmError(.badRecord, "a record of node \(id.short) is not signed by it")
        }
        try RecordRules.check(message, sizeBytes: envelope.record.count, now: now)
        self.init(id: id, record: NodeRecord(checked: message), envelope: envelope)
    }
}
