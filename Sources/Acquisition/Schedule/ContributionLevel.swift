/// How much of what it may use a node gives to the swarm.
///
/// | level | bandwidth | storage | downloads at once |
/// |---|---|---|---|
/// | minimal | 25 % | 25 % | 1 |
/// | moderate | 50 % | 50 % | 2 |
/// | maximum | 100 % | 100 % | 4 |
///
/// Shares are of the configured limits. A lower level stops growth; it removes nothing that is held.
package enum ContributionLevel: String, Sendable, Hashable, Codable, CaseIterable {
    case minimal, moderate, maximum

    /// Percent of the bandwidth limit that transfers may use.
    package var bandwidthPercent: Int {
        switch self {
        case .minimal: 25
        case .moderate: 50
        case .maximum: 100
        }
    }

    /// Percent of the storage limit up to which shards are fetched without being asked for.
    package var storagePercent: Int {
        switch self {
        case .minimal: 25
        case .moderate: 50
        case .maximum: 100
        }
    }

    /// Shards that are fetched at once; a configured limit below it counts.
    package var concurrentDownloads: Int {
        switch self {
        case .minimal: 1
        case .moderate: 2
        case .maximum: 4
        }
    }

    /// The part of a storage limit that this level uses, in bytes.
    package func storageBytes(of limit: UInt64) -> UInt64 {
        Self.share(storagePercent, of: limit)
    }

    /// The part of a bandwidth limit that this level uses, in the limit's unit.
    package func bandwidth(of limit: UInt64) -> UInt64 {
        Self.share(bandwidthPercent, of: limit)
    }

    private static func share(_ percent: Int, of limit: UInt64) -> UInt64 {
        let percent = UInt64(percent)
        return limit / 100 * percent + limit % 100 * percent / 100
    }
}
