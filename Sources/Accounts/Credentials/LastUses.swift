internal import Synchronization

/// When credentials were used last, until it is written down.
///
/// Proving who one is only reads: it neither waits for the database's one writer nor fails where the disk is full.
final class LastUses<Key: Hashable & Sendable>: Sendable {
    /// Credentials that are remembered; uses of further ones are lost, should nobody write down what is there.
    private let capacity: Int
    /// Seconds since 1970.
    private let uses = Mutex<[Key: Double]>([:])

    init(capacity: Int = 100_000) {
        self.capacity = capacity
    }

    /// When the credential was used last, as far as it is not written down. Ask before reading what is.
    func latest(_ key: Key) -> Double? { uses.withLock { $0[key] } }

    func note(_ key: Key, at now: Double) {
        uses.withLock { uses in
            if uses[key] != nil || uses.count < capacity { uses[key] = now }
        }
    }

    /// What is to be written down.
    var all: [Key: Double] { uses.withLock { $0 } }

    /// Forgets what has been written down, unless there was another use meanwhile.
    func forget(_ written: [Key: Double]) {
        uses.withLock { uses in
            for (key, date) in written where uses[key] == date { uses[key] = nil }
        }
    }
}
