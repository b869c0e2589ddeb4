import Acquisition
import Foundation
import GGUF
import Identifiers
import Link
import ModelLibrary
import ShoalTestSupport
import Testing

extension SeededRandom {
    mutating func node() -> NodeID {
        let bytes = (0..<4).flatMap { _ in withUnsafeBytes(of: next()) { Array($0) } }
        guard let node = NodeID(bytes: bytes) else { fatalError("32 bytes are a node id") }
        return node
    }
}

/// A moment from which tests count.
let start = Date(timeIntervalSince1970: 1_800_000_000)

/// A model that three requests have vouched for.
func trusted(at time: Date = start) -> ModelTrust {
    var trust = ModelTrust(discovered: time)
    for _ in 0..<ModelTrust.verifyingRequests { trust.apply(.requested, at: time) }
    return trust
}

/// So many shards of one layer each.
func layout(_ count: Int, sizeBytes: UInt64 = 1 << 20) throws -> [AutoManageSnapshot.Model.Shard] {
    try (0..<count).map {
        .init(layers: try #require(LayerRange(first: $0, end: $0 + 1)), sizeBytes: sizeBytes)
    }
}

extension AutoManageSnapshot.HeldShard {
    /// Held for a week, and never used.
    static let old = Self(heldSince: start - 7 * 86_400)
}

/// How a decision reads in short: "+m:0,1 -m:3".
func summary(_ decision: AutoManageDecision) -> String {
    func list(_ sign: String, _ shards: [(ModelID, ShardIndex)]) -> [String] {
        shards.map { "\(sign)\($0.0):\($0.1)" }
    }
    return
        (list("+", decision.fetches.map { ($0.model, $0.shard) })
        + list("-", decision.prunes.map { ($0.model, $0.shard) })).joined(separator: " ")
}
