import Link

extension AttendMessage {
    /// Nil for a message that says nothing.
    init?(_ message: Shoal_V1_PeerMessage) {
        switch message.message {
        case .record(let record): self = .record(RecordEnvelope(record))
        case .known(let known): self = .known(known.records.map { RecordEnvelope($0) })
        case .ping(let ping): self = .ping(nonce: ping.nonce)
        case .echo(let echo): self = .echo(nonce: echo.nonce)
        case .leaving: self = .leaving
        case nil: return nil
        }
    }
}

extension Shoal_V1_PeerMessage {
    init(_ message: AttendMessage) {
        self.init()
        switch message {
        case .record(let envelope): record = Shoal_V1_SignedRecord(envelope)
        case .known(let envelopes): known.records = envelopes.map { Shoal_V1_SignedRecord($0) }
        case .ping(let nonce): ping.nonce = nonce
        case .echo(let nonce): echo.nonce = nonce
        case .leaving: leaving = Shoal_V1_Leaving()
        }
    }
}

extension RecordEnvelope {
    fileprivate init(_ message: Shoal_V1_SignedRecord) {
        self.init(record: message.record, signature: message.signature)
    }
}

extension Shoal_V1_SignedRecord {
    fileprivate init(_ envelope: RecordEnvelope) {
        self.init()
        record = envelope.record
        signature = envelope.signature
    }
}
