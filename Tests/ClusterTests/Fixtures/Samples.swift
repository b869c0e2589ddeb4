import Foundation
import Identifiers
import Link

@testable import Cluster

extension NodeID {
    /// A node whose id is that number, over and over.
    static func number(_ number: UInt8) -> NodeID { NodeID(bytes: [UInt8](repeating: number, count: 32))! }
}

extension ClusterTokenRecord {
    static func sample(_ id: Int64) -> ClusterTokenRecord {
        ClusterTokenRecord(
            id: ClusterTokenID(stored: id), name: "token \(id)",
            key: ClusterTokenKey(bytes: [UInt8](repeating: UInt8(id), count: 32))!, shown: "shown\(id)...",
            created: Date(timeIntervalSince1970: 0), lastUsed: nil, isActive: true)
    }
}

extension WorkerDescription {
    static func sample(hostname: String, weight: Int = 100, models: [String] = ["tiny"]) -> WorkerDescription {
        WorkerDescription(
            hostname: Hostname(hostname)!, version: "1.2.3", weight: weight, memoryBytes: 16 << 30,
            gpus: [WorkerGPU(api: .cuda, index: 0, name: "GPU", memoryBytes: 8 << 30)], backEnds: ["cuda", "cpu"],
            models: models.map {
                WorkerModel(
                    id: $0, name: $0.capitalized, architecture: "llama", layerCount: 4, shardCount: 2,
                    totalBytes: 1 << 20, contextLength: 512, createdUnixSeconds: 1_700_000_000)
            })
    }
}
