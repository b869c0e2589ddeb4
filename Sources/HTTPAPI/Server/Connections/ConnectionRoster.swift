import Logging
import NIOCore
import Synchronization

/// Knows who is connected, and makes room: past a limit the connection that has been without a request for longest goes, and where none
/// is without, the new one is turned away.
final class ConnectionRoster: Sendable {
    struct Snapshot: Equatable {
        var open = 0
        /// Connections that were closed to make room for others.
        var displaced = 0
        /// Connections that were turned away.
        var refused = 0
    }

    private struct Entry {
        let channel: any Channel
        let address: String
        /// Counts up; nil while a request is answered.
        var idleSince: UInt64?
    }

    private struct State {
        var entries: [ObjectIdentifier: Entry] = [:]
        var addresses: [String: Int] = [:]
        var clock: UInt64 = 0
        var snapshot = Snapshot()
        var lastWarning: ContinuousClock.Instant?

        mutating func add(_ channel: any Channel, _ address: String) {
            clock += 1
            entries[ObjectIdentifier(channel)] = Entry(channel: channel, address: address, idleSince: clock)
            addresses[address, default: 0] += 1
            snapshot.open = entries.count
        }

        mutating func remove(_ id: ObjectIdentifier) -> Entry? {
            guard let entry = entries.removeValue(forKey: id) else { return nil }
            let rest = addresses[entry.address, default: 1] - 1
            addresses[entry.address] = rest > 0 ? rest : nil
            snapshot.open = entries.count
            return entry
        }
    }

    /// How often the log is told, and how long health speaks of it.
    private static let warningInterval: Duration = .seconds(60)

    private let state = Mutex(State())
    private let limits: ConnectionLimits
    private let logger: Logger

    init(limits: ConnectionLimits, logger: Logger) {
        self.limits = limits
        self.logger = logger
    }

    var snapshot: Snapshot { state.withLock(\.snapshot) }

    /// Whether connections had to go within the last minute.
    var isCrowded: Bool {
        state.withLock { $0.lastWarning.map { $0.duration(to: .now) < Self.warningInterval } ?? false }
    }

    /// Takes a connection in, which ``left(_:)`` has to follow.
    ///
    /// - Returns: Whether there is room for it.
    func entered(_ channel: any Channel, from address: String) -> Bool {
        let (isWelcome, displaced, warns) = state.withLock { state -> (Bool, Entry?, Bool) in
            let isLocal = state.addresses[address, default: 0] >= limits.perAddress
            var displaced: Entry?
            if isLocal || state.entries.count >= limits.total {
                let oldest = state.entries.filter { !isLocal || $0.value.address == address }
                    .compactMap { id, entry in entry.idleSince.map { (id, $0) } }.min { $0.1 < $1.1 }
                displaced = oldest.flatMap { state.remove($0.0) }
                let isRefused = displaced == nil
                state.snapshot.displaced += isRefused ? 0 : 1
                state.snapshot.refused += isRefused ? 1 : 0
                let now = ContinuousClock.now
                let warns = state.lastWarning.map { $0.duration(to: now) >= Self.warningInterval } ?? true
                if warns { state.lastWarning = now }
                if isRefused { return (false, nil, warns) }
                state.add(channel, address)
                return (true, displaced, warns)
            }
            state.add(channel, address)
            return (true, nil, false)
        }
        displaced?.channel.close(promise: nil)
        if warns {
            logger.warning(
                "too many connections: those that are idle are closed, others turned away",
                metadata: [
                    "limit": "\(limits.total)", "limit_per_address": "\(limits.perAddress)",
                    "newest_from": "\(address)",
                    "hint": "raise the limit of open files (ulimit -n), or find out who connects so often",
                ])
        }
        return isWelcome
    }

    /// A request has begun, or its answer has ended.
    func note(_ channel: any Channel, isBusy: Bool) {
        state.withLock { state in
            state.clock += 1
            state.entries[ObjectIdentifier(channel)]?.idleSince = isBusy ? nil : state.clock
        }
    }

    func left(_ channel: any Channel) {
        state.withLock { _ = $0.remove(ObjectIdentifier(channel)) }
    }
}
