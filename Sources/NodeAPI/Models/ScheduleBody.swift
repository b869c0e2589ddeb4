/// `GET` and `PUT /api/admin/schedule`: when the node gives less.
package struct ScheduleBody: Codable, Sendable, Hashable {
    package var enabled: Bool
    package var reducedHoursStart: Int
    package var reducedHoursEnd: Int
    package var reducedContribution: String
    package var pruneAggressiveness: String
    /// `ok` after a change.
    package var status: String?

    package init(
        enabled: Bool, reducedHoursStart: Int, reducedHoursEnd: Int, reducedContribution: String,
        pruneAggressiveness: String, status: String? = nil
    ) {
        self.enabled = enabled
        self.reducedHoursStart = reducedHoursStart
        self.reducedHoursEnd = reducedHoursEnd
        self.reducedContribution = reducedContribution
        self.pruneAggressiveness = pruneAggressiveness
        self.status = status
    }
}
