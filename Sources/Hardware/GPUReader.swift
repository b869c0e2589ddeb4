internal import Dispatch
internal import Synchronization

/// Reads inventories one after the other on a thread of its own, since a driver may keep a call for as long as it likes.
///
/// Whoever asks while one is read gets that one. While a driver hangs, only this one thread does.
package final class GPUReader: Sendable {
    private struct State {
        var isReading = false
        /// Whether somebody has waited for the present reading in vain.
        var isOverdue = false
        var last: (inventory: GPUInventory, read: ContinuousClock.Instant)?
        var waiting: [Int: CheckedContinuation<GPUInventory, Never>] = [:]
        var nextTicket = 0

        /// What is given instead of an answer.
        var standIn: GPUInventory {
            var inventory = last?.inventory ?? GPUInventory()
            inventory.problems = ["a GPU driver does not answer; look at the kernel's log, and restart the machine"]
            return inventory
        }
    }

    /// Reads this machine.
    package static let system = GPUReader(.system)

    private let sources: GPUSources
    private let queue = DispatchQueue(label: "gpus")
    private let state = Mutex(State())

    package init(_ sources: GPUSources) { self.sources = sources }

    /// See ``GPUInventory/read(within:maximumAge:)``.
    package func read(within limit: Duration = .seconds(5), maximumAge: Duration = .zero) async -> GPUInventory {
        await withCheckedContinuation { continuation in
            let (ready, ticket, isFirst) = state.withLock { state -> (GPUInventory?, Int, Bool) in
                if let last = state.last, maximumAge > .zero, .now - last.read <= maximumAge {
                    return (last.inventory, 0, false)
                }
                if state.isOverdue { return (state.standIn, 0, false) }
                let ticket = state.nextTicket
                state.nextTicket += 1
                state.waiting[ticket] = continuation
                defer { state.isReading = true }
                return (nil, ticket, !state.isReading)
            }
            if let ready { return continuation.resume(returning: ready) }
            if isFirst { queue.async { self.finish(self.sources.inventory()) } }
            let (seconds, attoseconds) = limit.components
            let wait = Double(seconds) + Double(attoseconds) / 1e18
            DispatchQueue.global().asyncAfter(deadline: .now() + wait) { self.giveUp(ticket) }
        }
    }

    private func finish(_ inventory: GPUInventory) {
        let waiting = state.withLock { state in
            state.last = (inventory, .now)
            state.isReading = false
            state.isOverdue = false
            defer { state.waiting = [:] }
            return state.waiting.values
        }
        for continuation in waiting { continuation.resume(returning: inventory) }
    }

    private func giveUp(_ ticket: Int) {
        let (continuation, standIn) = state.withLock { state in
            let continuation = state.waiting.removeValue(forKey: ticket)
            if continuation != nil { state.isOverdue = true }
            return (continuation, state.standIn)
        }
        continuation?.resume(returning: standIn)
    }
}
