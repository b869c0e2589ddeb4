import Foundation
import Identifiers
import Testing

@testable import Cluster

/// A registry, and the time that it is told.
struct RegistryScene {
    var registry: ClusterRegistry
    var now: Duration = .seconds(1000)
    var date = Date(timeIntervalSince1970: 1_700_000_000)

    init(rules: ClusterRegistry.Rules = .init()) { registry = ClusterRegistry(rules: rules) }

    mutating func pass(_ time: Duration) {
        now += time
        date += time / .seconds(1)
    }

    /// Connects a worker; `number` names its node.
    @discardableResult
    mutating func connect(
        _ number: UInt8, token: Int64 = 1, hostname: String? = nil, weight: Int = 100, models: [String] = ["tiny"]
    ) throws -> ClusterRegistry.Opening {
        let opening = registry.connected(
            NodeID.number(number), token: ClusterTokenID(stored: token),
            as: .sample(hostname: hostname ?? "worker\(number)", weight: weight, models: models),
            address: "10.0.0.\(number)", at: now, date: date)
        return try #require(opening)
    }

    /// Gives a job to a worker, if there is one for it.
    mutating func give(_ model: String = "tiny", tried: Set<NodeID> = []) -> (
        job: ClusterRegistry.JobID, session: ClusterRegistry.SessionID
    )? {
        registry.assign(model: model, tried: tried, at: now)
    }

    mutating func assign(_ model: String = "tiny", tried: Set<NodeID> = []) throws -> ClusterRegistry.JobID {
        let given = give(model, tried: tried)
        return try #require(given).job
    }

    var statistics: MasterStatistics { registry.statistics(uptime: now, date: date) }

    func nodes() -> [ClusterNode] {
        let tokens = Dictionary(
            uniqueKeysWithValues: ([1, 2, 3] as [Int64]).map {
                (ClusterTokenID(stored: $0), ClusterTokenRecord.sample($0))
            })
        return registry.summaries(tokens: tokens, at: now, date: date)
    }

    func node(_ number: UInt8) -> ClusterNode? { nodes().first { $0.node == .number(number) } }
}
