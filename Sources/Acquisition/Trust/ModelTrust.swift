package import FoundationEssentials

/// How far a node trusts a model: whether it fetches shards of it without being asked, and why.
///
/// What a model has earned goes up one step at a time and down one step for each seven days without a request:
///
///     nothing ──3 requests──▶ demand verified ──3 holders──▶ network popular
///
/// A pin is the operator's word. It stands beside that and does not decay; the level of a model that has earned nothing
/// is `Pinned` with it and `Discovered` without. Holders count only once there is demand, and only while the last
/// request is less than seven days old: announcing a model three times does not make others fetch it.
///
/// A pure value: whoever keeps it says what happened and when.
package struct ModelTrust: Sendable, Hashable {
    /// The level that people and programs see. Raw values are those of the API.
    package enum Level: String, Sendable, Hashable, Codable, CaseIterable {
        case discovered = "Discovered"
        case pinned = "Pinned"
        case demandVerified = "DemandVerified"
        case networkPopular = "NetworkPopular"

        /// Whether shards are fetched without being asked for.
        package var allowsFetching: Bool { self != .discovered }
    }

    /// What happened to a model.
    package enum Event: Sendable, Hashable {
        /// A user added the model, or asked for its shards.
        case pinned
        case unpinned
        case requested
        /// That many nodes, this one included, hold shards of it.
        case seen(holders: Int)
    }

    package struct Change: Sendable, Hashable {
        package let from: Level
        package let to: Level
    }

    /// What a model has earned, in order.
    private enum Merit: Int, Sendable, Codable {
        case none, demanded, popular
    }

    /// Requests that make a model demand verified.
    package static let verifyingRequests = 3
    /// Holders that make a demanded model popular.
    package static let popularHolders = 3
    /// Time without a request after which a model loses a step.
    package static let idlePeriod: TimeInterval = 7 * 86_400

    package private(set) var isPinned = false
    private var merit = Merit.none
    /// Requests that count towards the next step.
    private var requests = 0
    private var lastRequest: Date?
    /// Since when time counts towards the next step down.
    private var idleSince: Date

    /// A model that was heard of for the first time.
    package init(discovered now: Date) {
        idleSince = now
    }

    /// The level at that moment, decay counted.
    package func level(at now: Date) -> Level {
        switch decayed(at: now).merit {
        case .popular: .networkPopular
        case .demanded: .demandVerified
        case .none: isPinned ? .pinned : .discovered
        }
    }

    /// Takes note of an event.
    ///
    /// - Returns: the change of level since the event before; nil where it is the same. Decay in between is told here
    ///   too, as part of the change.
    @discardableResult
    package mutating func apply(_ event: Event, at now: Date) -> Change? {
        let before = notedLevel
        self = decayed(at: now)
        switch event {
        case .pinned: isPinned = true
        case .unpinned: isPinned = false
        case .requested:
            lastRequest = now
            idleSince = now
            if merit == .none {
                requests += 1
                if requests >= Self.verifyingRequests {
                    merit = .demanded
                    requests = 0
                }
            }
        case .seen(let holders):
            if merit == .demanded, holders >= Self.popularHolders, let lastRequest,
                now.timeIntervalSince(lastRequest) < Self.idlePeriod
            {
                merit = .popular
            }
        }
        return before == notedLevel ? nil : Change(from: before, to: notedLevel)
    }

    /// The level at the latest event, or the step down since.
    private var notedLevel: Level { level(at: idleSince) }

    private func decayed(at now: Date) -> ModelTrust {
        // A clock that was set back gives a negative time: nothing decays.
        let periods = min(2, (now.timeIntervalSince(idleSince) / Self.idlePeriod).rounded(.down))
        guard periods >= 1 else { return self }
        var trust = self
        trust.merit = Merit(rawValue: max(0, merit.rawValue - Int(periods))) ?? .none
        trust.requests = 0
        trust.idleSince += periods * Self.idlePeriod
        return trust
    }
}

extension ModelTrust: Codable {
    private enum CodingKeys: String, CodingKey {
        case merit, requests
        case isPinned = "pinned"
        case lastRequest = "last_request"
        case idleSince = "idle_since"
    }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        isPinned = try container.decode(Bool.self, forKey: .isPinned)
        merit = try container.decode(Merit.self, forKey: .merit)
        requests = try container.decode(Int.self, forKey: .requests)
        lastRequest = try container.decodeIfPresent(Date.self, forKey: .lastRequest)
        idleSince = try container.decode(Date.self, forKey: .idleSince)
        guard (0..<Self.verifyingRequests).contains(requests) else {
            throw DecodingError.dataCorruptedError(
                forKey: .requests, in: container, debugDescription: "\(requests) requests would have earned a step")
        }
    }
}
