import Synchronization

/// Notes the first start of a generation's session, and how much of the prompt it found in the cache.
final class StartLatch: Sendable {
    private let first = Mutex<Int?>(nil)

    /// Whether this is the first start.
    func isFirst(reused: Int) -> Bool {
        first.withLock { first in
            guard first == nil else { return false }
            first = reused
            return true
        }
    }

    /// Tokens of the prompt that the first start found in the cache.
    var reused: Int { first.withLock { $0 ?? 0 } }
}
