/// What an operator allows the node to do with one model by itself.
package struct ModelPolicy: Sendable, Hashable {
    /// Whether shards are fetched and given up without being asked for.
    package let isEnabled: Bool
    /// Most shards of the model to hold; 0: no limit.
    package let maximumShards: Int
    /// Whether shards may be given up.
    package let allowsPruning: Bool

    /// What holds until an operator says otherwise.
    package static let standard = ModelPolicy()

    private init() {
        isEnabled = true
        maximumShards = 0
        allowsPruning = true
    }

    /// - Throws: `AcquisitionError` of code `badPolicy` that names the field of a negative limit.
    package init(isEnabled: Bool, maximumShards: Int, allowsPruning: Bool) throws(AcquisitionError) {
        guard maximumShards >= 0 else {
            let field = CodingKeys.maximumShards.rawValue
            throw AcquisitionError(
                .badPolicy, field: field, "\(field) is \(maximumShards); use a number of shards, or 0 for no limit")
        }
        self.isEnabled = isEnabled
        self.maximumShards = maximumShards
        self.allowsPruning = allowsPruning
    }
}

extension ModelPolicy: Codable {
    private enum CodingKeys: String, CodingKey {
        case isEnabled = "enabled"
        case maximumShards = "max_shards"
        case allowsPruning = "prune_enabled"
    }

    /// Fields that are missing have their standard values: a policy is always replaced as a whole.
    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        try self.init(
            isEnabled: container.decodeIfPresent(Bool.self, forKey: .isEnabled) ?? true,
            maximumShards: container.decodeIfPresent(Int.self, forKey: .maximumShards) ?? 0,
            allowsPruning: container.decodeIfPresent(Bool.self, forKey: .allowsPruning) ?? true
        )
    }
}
