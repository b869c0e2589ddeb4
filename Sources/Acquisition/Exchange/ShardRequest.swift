package import BLAKE3
package import GGUF
package import GRPCCore
package import Identifiers
package import Link
import ModelLibrary
import SwiftProtobuf

/// What a peer asks of a shard, read strictly: a value that exists names a possible model and shard.
package struct ShardRequest: Sendable, Hashable {
    /// Most ranges of one request. Their messages stay far below what a link takes.
    package static let maximumRanges = 4096
    /// Most bytes of a shard in one message.
    package static let maximumChunkBytes = 256 << 10

    package let shard: ShardID
    package let manifestHash: BLAKE3.Digest

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
        self.shard = ShardID(model: model, index: index)
        self.manifestHash = hash
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
