import BLAKE3
package import GGUF
package import GRPCCore
import Identifiers
package import Link
import Swarm
import SwiftProtobuf

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// Read strictly: a value that exists names a possible model and shard.
extension ShardRequest {
    /// - Throws: `RPCError` with `invalidArgument` for what no node would ask.
    package init(_ request: Shoal_V1_DescribeShardRequest) throws(RPCError) {
        try self.init(modelID: request.modelID, manifestHash: Array(request.manifestHash), shard: request.shard)
    }

    /// - Throws: `RPCError` with `invalidArgument` for what no node would ask.
    package init(_ request: Shoal_V1_FetchShardRequest) throws(RPCError) {
        try self.init(modelID: request.modelID, manifestHash: Array(request.manifestHash), shard: request.shard)
    }

    private init(modelID: String, manifestHash: [UInt8], shard: UInt32) throws(RPCError) {
        guard let model = ModelID(modelID) else {
            throw RPCError(code: .invalidArgument, message: "\"\(modelID.prefix(80))\" is no model id")
        }
        guard let hash = BLAKE3.Digest(bytes: manifestHash) else {
            throw RPCError(code: .invalidArgument, message: "\(manifestHash.count) bytes are no manifest hash")
        }
        guard let index = ShardIndex(Int(shard)) else {
            throw RPCError(code: .invalidArgument, message: "no model has a shard \(shard)")
        }
        self.init(ShardID(model: model, index: index), manifestHash: hash)
    }

    /// The ranges that are asked for: in file order, apart from each other, and each within one of the shard's.
    ///
    /// - Parameter own: the shard's ranges, in file order, joined.
    /// - Throws: `RPCError` with `invalidArgument`.
    package static func ranges(
        of request: Shoal_V1_FetchShardRequest, within own: [ByteRange]
    ) throws(RPCError) -> [ByteRange] {
        func refusal(_ what: String) -> RPCError { RPCError(code: .invalidArgument, message: what) }
        guard (1...maximumRanges).contains(request.ranges.count) else {
            throw refusal("a request has 1 to \(maximumRanges) ranges, not \(request.ranges.count)")
        }
        var ranges: [ByteRange] = []
        ranges.reserveCapacity(request.ranges.count)
        var place = 0
        for asked in request.ranges {
            guard asked.length > 0 else { throw refusal("a range has no bytes") }
            guard !asked.offset.addingReportingOverflow(asked.length).overflow else {
                throw refusal("a range ends past every file")
            }
            let range = ByteRange(part: Int(asked.part), offset: asked.offset, length: asked.length)
            if let last = ranges.last {
                guard (last.part, last.end) <= (range.part, range.offset) else {
                    throw refusal("the ranges are not in file order, or overlap")
                }
            }
            // Both lists are in order: what ends before this range is not needed for the next one either.
            while place < own.count, (own[place].part, own[place].end) <= (range.part, range.offset) { place += 1 }
            guard place < own.count, own[place].part == range.part, own[place].offset <= range.offset,
                range.end <= own[place].end
            else {
                throw refusal("bytes \(range.offset) to \(range.end) of part \(range.part) are not all the shard's")
            }
            ranges.append(range)
        }
        return ranges
    }
}

extension ShardRequest {
    /// Asks a node for the hash of the shard.
    ///
    /// - Parameter givingUpOwn: whether this node is about to give its copy up, and the other one is to keep its own.
    /// - Returns: nil where the node does not hold the shard.
    /// - Throws: `LinkError`, `RPCError`, where it cannot be asked.
    func hash(
        from node: NodeID, _ membership: any Membership, givingUpOwn: Bool = false, within limit: Duration
    ) async throws -> BLAKE3.Digest? {
        let question = Shoal_V1_DescribeShardRequest.with {
            $0.modelID = shard.model.rawValue
            $0.manifestHash = Data(manifestHash.bytes)
            $0.shard = UInt32(shard.index.rawValue)
            $0.givingUpOwn = givingUpOwn
        }
        var options = CallOptions.defaults
        options.timeout = limit
        let answer = try await membership.channel(to: node).node.describeShard(question, options: options)
        return answer.held ? BLAKE3.Digest(bytes: answer.hash) : nil
    }
}

extension Shoal_V1_FetchShardRequest {
    /// - Parameter ranges: what to send of the shard, in file order.
    init(_ request: ShardRequest, ranges: [ByteRange]) {
        self.init()
        modelID = request.shard.model.rawValue
        manifestHash = Data(request.manifestHash.bytes)
        shard = UInt32(request.shard.index.rawValue)
        self.ranges = ranges.map { range in
            .with {
                $0.part = UInt32(range.part)
                $0.offset = range.offset
                $0.length = range.length
            }
        }
    }
}
