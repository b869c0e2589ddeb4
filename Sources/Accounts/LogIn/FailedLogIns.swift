/// Joins attempts that fail one after the other from one address at one name into few entries of the audit log: the first at once,
/// and after a minute one that says how many more there were. A pure state machine that is told the time.
///
/// Names are told apart as they were tried, whether or not a user has them: else the time that writing takes would say who exists.
struct FailedLogIns: Sendable {
    /// How long failures are gathered.
    static let interval: Duration = .seconds(60)

    fileprivate struct Key: Hashable {
        var target: LogInThrottle.Target
        var address: ClientAddress
    }

    private struct Run {
        let event: AuditEvent
        let began: Duration
        /// Failures that no entry tells of yet.
        var more = 0
    }

    /// Something to write down.
    struct Entry: Sendable {
        fileprivate let key: Key
        fileprivate let failure: AuditEvent
        /// Nil for the first failure, which stands alone.
        fileprivate let more: Int?

        /// What the log is to say.
        var event: AuditEvent {
            var event = failure
            if let more { event.details.append(.number("repeats", Int64(more))) }
            return event
        }
    }

    private let capacity: Int
    private var runs: [Key: Run] = [:]

    init(capacity: Int = 1000) {
        self.capacity = capacity
    }

    /// Takes note of a failure, and returns what is to be written down now.
    mutating func note(_ event: AuditEvent, of attempt: LogInThrottle.Attempt, now: Duration) -> [Entry] {
        let key = Key(target: attempt.target, address: attempt.address)
        if let run = runs[key], now - run.began < Self.interval {
            runs[key]?.more += 1
            return []
        }
        var entries = end(key)
        if runs.count >= capacity {
            entries += due(now: now)
            while runs.count >= capacity, let oldest = runs.min(by: { $0.value.began < $1.value.began }) {
                entries += end(oldest.key)
            }
        }
        runs[key] = Run(event: event, began: now)
        entries.append(Entry(key: key, failure: event, more: nil))
        return entries
    }

    /// What is to be written down without waiting for another failure: whose minute is over, or everything.
    mutating func due(now: Duration, everything: Bool = false) -> [Entry] {
        runs.filter { everything || now - $0.value.began >= Self.interval }
            .sorted { $0.value.began < $1.value.began }.flatMap { end($0.key) }
    }

    /// Takes back what could not be written down, for the next time; past twice the capacity it is lost.
    mutating func putBack(_ entries: [Entry], now: Duration) {
        for entry in entries {
            guard runs[entry.key] != nil || runs.count < 2 * capacity else { continue }
            runs[entry.key, default: Run(event: entry.failure, began: now)].more += entry.more ?? 1
        }
    }

    private mutating func end(_ key: Key) -> [Entry] {
        guard let run = runs.removeValue(forKey: key), run.more > 0 else { return [] }
        return [Entry(key: key, failure: run.event, more: run.more)]
    }
}
