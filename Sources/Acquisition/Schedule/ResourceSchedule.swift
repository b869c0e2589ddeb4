#if canImport(FoundationInternationalization)
    package import FoundationEssentials
    // What brings the time zones along. Foundation would as well, and CoreFoundation with it, whose C types hide Glibc's.
    import FoundationInternationalization
#else
    package import Foundation
#endif

/// When a node gives less, or more, to the swarm than usual.
///
/// The reduced hours are those whose number on the local clock lies in `reducedHoursStart ..< reducedHoursEnd`. Where
/// the start is after the end they cross midnight; where both are equal they are the whole day. Clock changes need no
/// rule of their own: an hour that a day does not have is left out, one that it has twice counts twice.
///
/// During those hours the level is `reducedContribution` whatever the usual level is. `pruneAggressiveness` holds at
/// all hours, and also while the schedule is off.
package struct ResourceSchedule: Sendable, Hashable {
    package let isEnabled: Bool
    /// First reduced hour, 0 to 23.
    package let reducedHoursStart: Int
    /// The hour that is no longer reduced, 0 to 23.
    package let reducedHoursEnd: Int
    package let reducedContribution: ContributionLevel
    package let pruneAggressiveness: PruneAggressiveness

    /// What holds until an operator says otherwise: off, 22 to 8, minimal, normal.
    package static let standard = ResourceSchedule(
        checkedEnabled: false, start: 22, end: 8, contribution: .minimal, aggressiveness: .normal)

    /// - Throws: `AcquisitionError` of code `badSchedule` that names the field of an hour that no day has.
    package init(
        isEnabled: Bool, reducedHoursStart: Int, reducedHoursEnd: Int,
        reducedContribution: ContributionLevel = .minimal,
        pruneAggressiveness: PruneAggressiveness = .normal
    ) throws(AcquisitionError) {
        try Self.check(hour: reducedHoursStart, field: .reducedHoursStart)
        try Self.check(hour: reducedHoursEnd, field: .reducedHoursEnd)
        self.init(
            checkedEnabled: isEnabled, start: reducedHoursStart, end: reducedHoursEnd,
            contribution: reducedContribution, aggressiveness: pruneAggressiveness)
    }

    private init(
        checkedEnabled: Bool, start: Int, end: Int, contribution: ContributionLevel, aggressiveness: PruneAggressiveness
    ) {
        isEnabled = checkedEnabled
        reducedHoursStart = start
        reducedHoursEnd = end
        reducedContribution = contribution
        pruneAggressiveness = aggressiveness
    }

    private static func check(hour: Int, field: CodingKeys) throws(AcquisitionError) {
        guard (0...23).contains(hour) else {
            throw AcquisitionError(
                .badSchedule, field: field.rawValue, "\(field.rawValue) is \(hour); use an hour from 0 to 23")
        }
    }
}

extension ResourceSchedule {
    /// Whether the hours are reduced at that moment, on clocks of that time zone.
    package func isReduced(at time: Date, in timeZone: TimeZone) -> Bool {
        guard isEnabled else { return false }
        if reducedHoursStart == reducedHoursEnd { return true }
        let hour = Self.hour(at: time, in: timeZone)
        return reducedHoursStart < reducedHoursEnd
            ? (reducedHoursStart..<reducedHoursEnd).contains(hour)
            : hour >= reducedHoursStart || hour < reducedHoursEnd
    }

    /// The level that holds at that moment on a node whose usual level is `usual`.
    package func contribution(usual: ContributionLevel, at time: Date, in timeZone: TimeZone) -> ContributionLevel {
        isReduced(at: time, in: timeZone) ? reducedContribution : usual
    }

    /// The first moment after `time` at which the level becomes another one; nil where it never does.
    package func nextChange(usual: ContributionLevel, after time: Date, in timeZone: TimeZone) -> Date? {
        guard isEnabled, reducedHoursStart != reducedHoursEnd, usual != reducedContribution else { return nil }
        let isReducedNow = isReduced(at: time, in: timeZone)
        var moment = time
        // Two days hold at most 50 hours and two clock changes. A boundary that a clock change leaves out comes a day
        // later.
        for _ in 0..<80 {
            moment = Self.nextHour(after: moment, in: timeZone)
            if isReduced(at: moment, in: timeZone) != isReducedNow { return moment }
        }
        return nil
    }

    /// The hour on the local clock.
    private static func hour(at time: Date, in timeZone: TimeZone) -> Int {
        var calendar = Calendar(identifier: .gregorian)
        calendar.timeZone = timeZone
        return calendar.component(.hour, from: time)
    }

    /// The next moment at which the local clock begins an hour or is set.
    private static func nextHour(after time: Date, in timeZone: TimeZone) -> Date {
        let offset = Double(timeZone.secondsFromGMT(for: time))
        let local = time.timeIntervalSince1970 + offset
        let full = Date(timeIntervalSince1970: ((local / 3600).rounded(.down) + 1) * 3600 - offset)
        guard let clockChange = timeZone.nextDaylightSavingTimeTransition(after: time), clockChange > time else {
            return full
        }
        return min(full, clockChange)
    }
}

extension ResourceSchedule: Codable {
    fileprivate enum CodingKeys: String, CodingKey {
        case isEnabled = "enabled"
        case reducedHoursStart = "reduced_hours_start"
        case reducedHoursEnd = "reduced_hours_end"
        case reducedContribution = "reduced_contribution"
        case pruneAggressiveness = "prune_aggressiveness"
    }

    /// Fields that are missing have their standard values.
    package init(from decoder: any Decoder) throws {
        self = try Self.standard.applying(Change(from: decoder))
    }

    /// Some fields of a schedule, as a request gives them; nil ones stay as they are.
    package struct Change: Sendable, Hashable, Codable {
        package var isEnabled: Bool?
        package var reducedHoursStart: Int?
        package var reducedHoursEnd: Int?
        package var reducedContribution: String?
        package var pruneAggressiveness: String?

        private typealias CodingKeys = ResourceSchedule.CodingKeys

        package init(
            isEnabled: Bool? = nil, reducedHoursStart: Int? = nil, reducedHoursEnd: Int? = nil,
            reducedContribution: String? = nil, pruneAggressiveness: String? = nil
        ) {
            self.isEnabled = isEnabled
            self.reducedHoursStart = reducedHoursStart
            self.reducedHoursEnd = reducedHoursEnd
            self.reducedContribution = reducedContribution
            self.pruneAggressiveness = pruneAggressiveness
        }
    }

    /// This schedule with some fields changed; nothing is changed where one is not possible.
    ///
    /// - Throws: `AcquisitionError` of code `badSchedule` that names the field.
    package func applying(_ change: Change) throws(AcquisitionError) -> ResourceSchedule {
        try ResourceSchedule(
            isEnabled: change.isEnabled ?? isEnabled,
            reducedHoursStart: change.reducedHoursStart ?? reducedHoursStart,
            reducedHoursEnd: change.reducedHoursEnd ?? reducedHoursEnd,
            reducedContribution: Self.choice(change.reducedContribution, .reducedContribution) ?? reducedContribution,
            pruneAggressiveness: Self.choice(change.pruneAggressiveness, .pruneAggressiveness) ?? pruneAggressiveness
        )
    }

    private static func choice<Choice: RawRepresentable<String> & CaseIterable>(
        _ text: String?, _ field: CodingKeys
    ) throws(AcquisitionError) -> Choice? {
        guard let text else { return nil }
        guard let choice = Choice(rawValue: text) else {
            let allowed = Choice.allCases.map(\.rawValue).joined(separator: ", ")
            throw AcquisitionError(
                .badSchedule, field: field.rawValue,
                "\(field.rawValue) is \"\(text.prefix(80))\"; use one of \(allowed)")
        }
        return choice
    }
}
