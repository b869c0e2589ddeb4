package import Identifiers
import Testing

/// The node whose id is that byte over and over.
package func node(_ number: UInt8) throws -> NodeID {
    try #require(NodeID(bytes: [UInt8](repeating: number, count: NodeID.byteCount)))
}

package func shard(_ number: Int) throws -> ShardIndex { try #require(ShardIndex(number)) }

package func modelID(_ text: String) throws -> ModelID { try #require(ModelID(text)) }
