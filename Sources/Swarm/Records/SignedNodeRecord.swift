package import Identifiers
package import Link
import SwiftProtobuf

#if canImport(FoundationEssentials)
    package import FoundationEssentials
#else
    package import Foundation
#endif

/// What a node says about itself: see `node.proto`.
package typealias NodeRecord = Shoal_V1_NodeRecord

/// A node's record whose signature and content have been checked.
package struct SignedNodeRecord: Sendable {
    private static let context = Array("shoal-node-record-v1".utf8)

    package let id: NodeID
    package let record: NodeRecord
    /// As it travels.
    package let message: Shoal_V1_SignedRecord

    /// Signs this node's own record.
    ///
    /// - Throws: `SwarmError` with `badRecord` when the record breaks `RecordRules`.
    package init(_ record: NodeRecord, identity: NodeIdentity, now: Date) throws(SwarmError) {
        var record = record
        record.nodeID = Data(identity.id.bytes)
        do {
            let bytes: [UInt8] = try record.serializedBytes()
            var message = Shoal_V1_SignedRecord()
            message.record = Data(bytes)
            message.signature = Data(try identity.sign(Self.context + bytes))
            try RecordRules.check(record, sizeBytes: bytes.count, now: now)
            self.id = identity.id
            self.record = record
            self.message = message
        } catch let error as SwarmError {
            throw error
        } catch {
            throw SwarmError(.badRecord, "this node's record could not be signed", cause: error)
        }
    }

    /// Checks a record that came from elsewhere.
    ///
    /// - Throws: `SwarmError` with `badRecord`, whose message says what is wrong with it.
    package init(checking message: Shoal_V1_SignedRecord, now: Date) throws(SwarmError) {
        guard message.record.count <= RecordRules.maximumBytes else {
            throw SwarmError(.badRecord, "a record of \(message.record.count) bytes is too large")
        }
        var options = BinaryDecodingOptions()
        options.messageDepthLimit = 16
        guard let record = try? NodeRecord(serializedBytes: message.record, options: options) else {
            throw SwarmError(.badRecord, "a record cannot be read")
        }
        guard let id = NodeID(bytes: record.nodeID) else { throw SwarmError(.badRecord, "a record has no node id") }
        guard NodeIdentity.verify(Array(message.signature), of: Self.context + Array(message.record), by: id) else {
            throw SwarmError(.badRecord, "a record of node \(id.short) is not signed by it")
        }
        try RecordRules.check(record, sizeBytes: message.record.count, now: now)
        self.id = id
        self.record = record
        self.message = message
    }

    package var addresses: [LinkAddress] {
        record.addresses.compactMap { LinkAddress($0) }.filter { !$0.isWildcard && $0.port > 0 }
    }
}
