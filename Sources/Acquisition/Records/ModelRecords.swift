package import FoundationEssentials
package import Identifiers
package import Logging
import ModelLibrary
package import Store
import Synchronization

/// The one owner of what this node remembers of models: trust, policies, locks, what an operator deleted, where models
/// come from, how much they are asked for, which shards were given up, and the schedule.
///
/// Whatever is written is on the disk when the call returns; reading asks the memory. What another process writes, such
/// as `shoal import`, comes in with ``refresh()``.
///
/// A record that cannot be read is told by ``record(of:)``, and nothing is decided by it. As soon as an operator decides
/// something about the model, it is written anew from what of it can be read.
package final class ModelRecords: Sendable {
    /// Requests of so many minutes count as demand.
    package static let demandMinutes: Int64 = 60
    /// Most models whose requests wait to be written down.
    private static let maximumWaiting = 1000

    private struct State {
        var records: [ModelID: ModelRecord] = [:] { didSet { revision += 1 } }
        var revision: UInt64 = 0
        var faults: [ModelID: AcquisitionError] = [:]
        var requests: [ModelID: [Int64: Int]] = [:]
        var schedule: ResourceSchedule?
        var foreignVersion: Int?
        /// Requests that are not written down yet.
        var waiting: [ModelID: Int] = [:]
    }

    private let table: RecordTable
    private let state = Mutex(State())
    /// Held by who reads, changes and writes, so that no change is lost.
    private let writing = Mutex(())
    private let logger: Logger
    /// Ticks when requests wait to be written down.
    let requestsWaiting: AsyncStream<Void>
    private let requestNoted: AsyncStream<Void>.Continuation

    /// - Throws: `StoreError`.
    package init(store: Store, logger: Logger = Logger(label: "records")) throws {
        table = try RecordTable(store: store)
        self.logger = logger
        (requestsWaiting, requestNoted) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
        try load()
    }

    /// Brings in what another process has written, if anything.
    ///
    /// - Returns: whether there was something.
    /// - Throws: `StoreError`.
    @discardableResult
    package func refresh() throws -> Bool {
        guard try table.foreignVersion() != state.withLock({ $0.foreignVersion }) else { return false }
        try writing.withLock { _ in try load() }
        return true
    }

    private func load() throws {
        let version = try table.foreignVersion()
        let (records, faults) = try table.records()
        let requests = try table.requests()
        var schedule: ResourceSchedule?
        do {
            schedule = try table.schedule()
        } catch let error as AcquisitionError {
            logger.error("the usual schedule holds", metadata: ["reason": "\(error)"])
        }
        for (model, fault) in faults {
            logger.error("a model is left alone", metadata: ["model": "\(model)", "reason": "\(fault)"])
        }
        state.withLock { state in
            state.records = records
            state.faults = faults
            state.requests = requests
            state.schedule = schedule
            state.foreignVersion = version
        }
    }

    // MARK: - Models

    /// Grows whenever ``records`` changes.
    package var revision: UInt64 { state.withLock { $0.revision } }

    /// Every model of which something is remembered; those whose records cannot be read are left out.
    package var records: [ModelID: ModelRecord] {
        state.withLock { state in state.records.filter { state.faults[$0.key] == nil } }
    }

    /// Whether anything was ever written down about a model.
    package func isKnown(_ model: ModelID) -> Bool { state.withLock { $0.records[model] != nil } }

    /// What is remembered of a model; nothing special where nothing is.
    ///
    /// - Throws: `AcquisitionError` of code `badRecord` where what is stored cannot be read.
    package func record(of model: ModelID) throws(AcquisitionError) -> ModelRecord {
        let (record, fault) = state.withLock { ($0.records[model], $0.faults[model]) }
        if let fault { throw fault }
        return record ?? ModelRecord()
    }

    /// Changes what is remembered of a model, durably.
    ///
    /// - Returns: what `change` returns.
    /// - Throws: `StoreError`, and what `change` throws; nothing is changed then.
    @discardableResult
    package func update<Value>(_ model: ModelID, _ change: (inout ModelRecord) throws -> Value) throws -> Value {
        try writing.withLock { _ in
            let (old, isFaulty) = state.withLock { ($0.records[model], $0.faults[model] != nil) }
            var record = old ?? ModelRecord()
            let value = try change(&record)
            record.shards = record.shards.filter { !$0.value.isBlank }
            guard record != old ?? ModelRecord() || isFaulty else { return value }
            try table.save(record, of: model)
            state.withLock { state in
                state.records[model] = record
                state.faults[model] = nil
            }
            return value
        }
    }

    /// Takes note that a user asked for a model: it is pinned, and no longer counts as deleted.
    ///
    /// - Throws: `StoreError`.
    package func pin(_ model: ModelID, at now: Date, _ change: (inout ModelRecord) -> Void = { _ in }) throws {
        try update(model) { record in
            var trust = record.trust ?? ModelTrust(discovered: now)
            trust.apply(.pinned, at: now)
            record.trust = trust
            record.isDeleted = false
            change(&record)
        }
    }

    // MARK: - Requests

    /// Takes note that a model was asked for, at once; it is written down by who waits for ``requestsWaiting``.
    ///
    /// - Parameter name: the model as the client wrote it.
    package func noteRequest(_ name: String) {
        guard let model = ModelID(name) else { return }
        state.withLock { state in
            guard state.waiting[model] != nil || state.waiting.count < Self.maximumWaiting else { return }
            state.waiting[model, default: 0] += 1
        }
        requestNoted.yield()
    }

    /// Requests since the last call, by model.
    func takeWaitingRequests() -> [ModelID: Int] {
        state.withLock { state in
            defer { state.waiting = [:] }
            return state.waiting
        }
    }

    /// Adds requests to the demand.
    func add(_ counts: [ModelID: Int], at time: Date) throws {
        guard !counts.isEmpty else { return }
        let minute = Self.minute(time)
        try writing.withLock { _ in
            var requests = state.withLock { $0.requests }
            for (model, count) in counts {
                let sum = requests[model, default: [:]][minute, default: 0].addingReportingOverflow(count)
                requests[model, default: [:]][minute] = sum.overflow ? .max : sum.partialValue
            }
            let oldest = minute - Self.demandMinutes
            requests = requests.mapValues { $0.filter { $0.key >= oldest } }.filter { !$0.value.isEmpty }
            try table.save(
                counts.reduce(into: [:]) { $0[$1.key] = requests[$1.key]?[minute] }, minute: minute,
                forgettingBefore: oldest)
            state.withLock { $0.requests = requests }
        }
    }

    /// Requests for each model within the hour before that moment.
    package func demand(at time: Date) -> [ModelID: Int] {
        let minute = Self.minute(time)
        return state.withLock { state in
            state.requests.compactMapValues { counts in
                let sum = counts.filter { (minute - Self.demandMinutes + 1...minute).contains($0.key) }.values
                    .reduce(0) { min($0, 1 << 32) + min($1, 1 << 32) }
                return sum > 0 ? sum : nil
            }
        }
    }

    private static func minute(_ time: Date) -> Int64 {
        Int64(max(-1e10, min(1e10, (time.timeIntervalSince1970 / 60).rounded(.down))))
    }

    // MARK: - Prunes and the schedule

    /// The latest 1000 shards that this node gave up by itself, the latest first.
    ///
    /// - Throws: `StoreError`.
    package func pruneHistory() throws -> [PruneRecord] { try table.prunes() }

    func add(_ prune: PruneRecord) throws { try table.add(prune) }

    /// The schedule that an operator set; nil where none did.
    package var schedule: ResourceSchedule? { state.withLock { $0.schedule } }

    func set(_ schedule: ResourceSchedule) throws {
        try writing.withLock { _ in
            try table.save(schedule)
            state.withLock { $0.schedule = schedule }
        }
    }
}
