import Synchronization

/// What is to be said on one `Attend` stream, in bounded space however slowly the peer reads: of each kind of news only the
/// latest waits.
final class AttendMailbox: Sendable {
    private struct State {
        var own: RecordEnvelope?
        var known: [RecordEnvelope] = []
        var ping: UInt64?
        var echoes: [UInt64] = []
        var isLeaving = false
        var ending: PeerTable.Ending?
    }

    private static let maximumKnown = 256
    private static let maximumEchoes = 16
    /// Records per message, so that none comes near the size limit of messages.
    private static let recordsPerMessage = 32

    private let state = Mutex(State())
    private let wake = AsyncStream<Void>.makeStream(bufferingPolicy: .bufferingNewest(1))
    private let end = AsyncStream<Void>.makeStream()

    func post(own record: RecordEnvelope) { change { $0.own = record } }

    func post(known records: [RecordEnvelope]) {
        guard !records.isEmpty else { return }
        change { $0.known = Array(($0.known + records).suffix(Self.maximumKnown)) }
    }

    func ping(_ nonce: UInt64) { change { $0.ping = nonce } }

    /// - Returns: `false` when the peer asks for echoes faster than it takes them.
    func echo(_ nonce: UInt64) -> Bool {
        change { state in
            guard state.echoes.count < Self.maximumEchoes else { return false }
            state.echoes.append(nonce)
            return true
        }
    }

    /// Says good-bye, after which nothing more is sent.
    func leave() { change { $0.isLeaving = true } }

    /// Ends the stream; the first reason counts.
    func close(_ ending: PeerTable.Ending) {
        state.withLock { state in
            if state.ending == nil { state.ending = ending }
        }
        wake.continuation.finish()
        end.continuation.finish()
    }

    var ending: PeerTable.Ending? { state.withLock { $0.ending } }

    /// Returns when the mailbox is closed. For one caller.
    func waitUntilClosed() async {
        for await _ in end.stream {}
    }

    /// The messages that wait, as soon as there are some; `nil` once the mailbox is closed or good-bye has been said. For one
    /// caller.
    func next() async -> [AttendMessage]? {
        while true {
            let messages = state.withLock { state in state.ending == nil ? Self.take(&state) : nil }
            guard let messages else { return nil }
            if !messages.isEmpty { return messages }
            var iterator = wake.stream.makeAsyncIterator()
            guard await iterator.next() != nil else { return nil }
        }
    }

    @discardableResult
    private func change<Result>(_ body: (inout State) -> Result) -> Result {
        let result = state.withLock { body(&$0) }
        wake.continuation.yield()
        return result
    }

    private static func take(_ state: inout State) -> [AttendMessage] {
        var messages: [AttendMessage] = []
        // The own record goes first: a peer listens to nobody who has not introduced itself.
        if let own = state.own { messages.append(.record(own)) }
        messages += state.echoes.map { .echo(nonce: $0) }
        if let nonce = state.ping { messages.append(.ping(nonce: nonce)) }
        for start in stride(from: 0, to: state.known.count, by: recordsPerMessage) {
            messages.append(.known(Array(state.known[start..<min(start + recordsPerMessage, state.known.count)])))
        }
        state.own = nil
        state.known = []
        state.ping = nil
        state.echoes = []
        if state.isLeaving {
            messages.append(.leaving)
            state.ending = .left
        }
        return messages
    }
}
