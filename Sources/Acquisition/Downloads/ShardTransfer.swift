import BLAKE3
import Exchange
import GGUF
import Identifiers
import Link
import ModelLibrary
import NIOPosix
import Synchronization

/// Brings one shard here: from all that have it at once, as far as it takes, until the library has found its hash right.
struct ShardTransfer: Sendable {
    /// How bytes are asked for and kept.
    struct Limits: Sendable {
        /// What one supplier is asked for at a time, at most and at least.
        var pieceBytes: ClosedRange<UInt64> = 1 << 20...16 << 20
        /// Pieces that are asked of one peer, and of the hub, at the same time.
        var lanesPerPeer = 2
        var lanesOfHub = 4
        /// Bytes and time after which what has come is made to last.
        var savedBytes: UInt64 = 32 << 20
        var savedInterval: Duration = .seconds(2)
        /// Failures in a row after which a supplier is not asked any more.
        var failuresPerSupplier = 2
        /// A piece takes at most this long, and what its bytes take at the slowest speed that is put up with.
        var pieceTime: Duration = .seconds(30)
        var slowestBytesPerSecond = 16 << 10
    }

    let library: ModelLibrary
    let sources: ShardSources
    let progress: DownloadProgress
    let limits: Limits

    /// What an attempt came to that did not throw.
    enum Outcome: Sendable {
        case wasHere
        /// The peers that took part.
        case came(from: Set<SupplierName>)
        /// It came, and its hash is wrong.
        case wrong(suspicions: [Contributions.Suspicion], culprit: NodeID?)
    }

    /// - Parameter suspicions: what earlier attempts brought that was wrong. Those who sent it are asked last, and one at
    ///   a time.
    /// - Throws: `AcquisitionError`, `LibraryError`, the suppliers' errors, `CancellationError`. What has come is kept.
    func run(
        _ shard: ShardIndex, of id: ModelID, suspicions: [Contributions.Suspicion]
    ) async throws -> Outcome {
        guard let arrival = try await library.arrival(of: shard, id: id) else { return .wasHere }
        progress.begin(shard, missingBytes: arrival.missingBytes)
        let contributions = Contributions()
        let model = try await library.model(id)
        let offer = try await sources.offer(model, shard)
        let groups = Self.groups(offer.groups, suspects: Set(suspicions.map(\.supplier)))
        guard !groups.isEmpty || arrival.missing.isEmpty else {
            throw AcquisitionError(
                .noSource, "no connected node holds shard \(shard) of \(id), and no hub is known to have it")
        }
        do {
            try await receive(arrival, of: model, from: groups, contributions: contributions)
        } catch {
            // Also where the task was cancelled: what has come need not come again.
            await Task { try? await NIOThreadPool.singleton.runIfActive { try arrival.save() } }.value
            throw error
        }
        // The library would wait for the disk itself, and keep everybody else waiting.
        try await NIOThreadPool.singleton.runIfActive { try arrival.save() }
        progress.set(shard, .verifying)
        return try await finish(arrival, offer: offer, contributions: contributions, suspicions: suspicions)
    }

    /// Who is asked beside whom. Once something wrong has come, nobody's bytes are mixed with another's, and suspects come
    /// last.
    private static func groups(
        _ offered: [[any ShardSupplier]], suspects: Set<SupplierName>
    ) -> [[any ShardSupplier]] {
        let groups = offered.filter { !$0.isEmpty }
        guard !suspects.isEmpty else { return groups }
        let all = groups.flatMap { $0 }
        return (all.filter { !suspects.contains($0.name) } + all.filter { suspects.contains($0.name) }).map { [$0] }
    }

    // MARK: - Receiving

    private func receive(
        _ arrival: ShardArrival, of model: LibraryModel, from groups: [[any ShardSupplier]],
        contributions: Contributions
    ) async throws {
        let journal = Journal(arrival: arrival, every: limits.savedBytes, or: limits.savedInterval)
        var failure: (any Error)?
        for group in groups {
            var standing = group.map { (supplier: $0, failures: 0) }
            while !arrival.missing.isEmpty, !standing.isEmpty {
                let before = arrival.missingBytes
                let failures = try await round(
                    arrival, of: model, from: standing.map(\.supplier), journal: journal, contributions: contributions)
                for index in standing.indices {
                    guard let error = failures[standing[index].supplier.name] else { continue }
                    // What may get better by itself is worth another attempt, whatever the others say.
                    if (failure as? AcquisitionError)?.isFinal ?? true { failure = error }
                    standing[index].failures += 1
                }
                let stuck = arrival.missingBytes == before
                standing.removeAll {
                    $0.failures >= limits.failuresPerSupplier || (stuck && failures[$0.supplier.name] != nil)
                }
                if stuck, failures.isEmpty { break }
            }
            if arrival.missing.isEmpty { return }
        }
        throw failure
            ?? AcquisitionError(.supplierFailed, "shard \(arrival.shard) of \(arrival.model) came only in part")
    }

    /// Asks every supplier for pieces until none is left to ask for.
    ///
    /// - Returns: who failed, and with what.
    /// - Throws: what is no supplier's fault: `CancellationError`, `LibraryError`.
    private func round(
        _ arrival: ShardArrival, of model: LibraryModel, from suppliers: [any ShardSupplier], journal: Journal,
        contributions: Contributions
    ) async throws -> [SupplierName: any Error] {
        let round = Round(PiecePool(arrival.missing))
        let lanes = suppliers.flatMap { supplier in
            Array(repeating: supplier, count: supplier.name == .hub ? limits.lanesOfHub : limits.lanesPerPeer)
        }
        let even = arrival.missingBytes / UInt64(max(1, lanes.count)) + 1
        let pieceBytes = max(limits.pieceBytes.lowerBound, min(limits.pieceBytes.upperBound, even))
        try await withThrowingTaskGroup(of: Void.self) { group in
            for supplier in lanes {
                group.addTask {
                    while round.failures.withLock({ $0[supplier.name] }) == nil {
                        let piece = round.pool.withLock { $0.take(upTo: pieceBytes) }
                        guard !piece.isEmpty else { return }
                        do {
                            try await send(
                                piece, of: model, arrival: arrival, from: supplier, journal: journal,
                                contributions: contributions)
                        } catch {
                            try Task.checkCancellation()
                            // A full or broken disk is no supplier's fault.
                            if let fault = journal.fault { throw fault }
                            let missing = arrival.missing
                            round.pool.withLock { $0.giveBack(ByteRange.intersection(piece, missing)) }
                            round.failures.withLock { $0[supplier.name] = $0[supplier.name] ?? error }
                        }
                    }
                }
            }
            try await group.waitForAll()
        }
        return round.failures.withLock { $0 }
    }

    private func send(
        _ piece: [ByteRange], of model: LibraryModel, arrival: ShardArrival, from supplier: any ShardSupplier,
        journal: Journal, contributions: Contributions
    ) async throws {
        if supplier.name != .hub { try arrival.noteHearsay() }
        let watch = PieceWatch()
        let bytes = piece.reduce(0) { $0 + $1.length }
        let limit = limits.pieceTime + .seconds(Double(bytes) / Double(limits.slowestBytesPerSecond))
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                try await supplier.send(piece, of: arrival.shard, model: model) { bytes, part, offset in
                    try Task.checkCancellation()
                    let count = UInt64(bytes.count)
                    try journal.write(bytes, part: part, at: offset)
                    contributions.note(ByteRange(part: part, offset: offset, length: count), from: supplier.name)
                    progress.add(count, to: arrival.shard, from: supplier.name)
                    try await watch.excusing {
                        try await journal.saveIfDue()
                        try await sources.admit(Int(count))
                    }
                }
            }
            group.addTask {
                try await watch.wait(limit)
                throw AcquisitionError(
                    .supplierFailed,
                    "\(supplier.name) sent less than \(bytes >> 10) KiB in \(limit.components.seconds) s")
            }
            defer { group.cancelAll() }
            try await group.next()
        }
        let rest = ByteRange.intersection(piece, arrival.missing)
        if let first = rest.first {
            throw AcquisitionError(
                .supplierFailed,
                "\(first.length) bytes at \(first.offset) of part \(first.part) of \(model.id) were left out")
        }
    }

    // MARK: - Finishing

    private func finish(
        _ arrival: ShardArrival, offer: ShardOffer, contributions: Contributions,
        suspicions: [Contributions.Suspicion]
    ) async throws -> Outcome {
        let suppliers = contributions.suppliers
        // Without a hash nothing but the publisher's own bytes counts.
        let expected = arrival.isHearsay ? offer.expectedHash : nil
        if arrival.isHearsay, expected == nil,
            try await library.model(arrival.model).manifest[shard: arrival.shard]?.hash == nil
        {
            // Nobody can say any more whether what peers sent is right.
            try await library.abandon(arrival)
            return .wrong(suspicions: [], culprit: nil)
        }
        let found = Mutex<[Contributions.Suspicion]>([])
        do {
            try await library.finish(arrival, expecting: expected) { arrival in
                let suspicions = await contributions.suspicions(in: arrival)
                found.withLock { $0 = suspicions }
            }
        } catch let error as LibraryError where error.code == .damaged {
            // Who alone sent all of it sent what was wrong.
            if suppliers.count == 1, case .peer(let peer)? = suppliers.first, contributions.cover(arrival.wanted) {
                return .wrong(suspicions: [], culprit: peer)
            }
            return .wrong(suspicions: found.withLock { $0 }, culprit: nil)
        }
        var liars: Set<NodeID> = []
        for suspicion in suspicions {
            guard case .peer(let peer) = suspicion.supplier else { continue }
            if try await arrival.hash(of: [suspicion.range]) != suspicion.hash { liars.insert(peer) }
        }
        for liar in liars.sorted() { await sources.blame(liar, arrival.model, arrival.shard) }
        for (supplier, bytes) in contributions.bytes {
            if case .peer(let peer) = supplier { await sources.credit(peer, bytes) }
        }
        return .came(from: suppliers)
    }
}

/// How long a piece has been under way, without the time in which this node kept its sender waiting.
private final class PieceWatch: Sendable {
    private let start = ContinuousClock.now
    private let excused = Mutex<Duration>(.zero)

    func excusing(_ body: () async throws -> Void) async throws {
        let began = ContinuousClock.now
        defer { excused.withLock { $0 += .now - began } }
        try await body()
    }

    /// Returns when the piece has taken that long.
    func wait(_ limit: Duration) async throws {
        while true {
            let left = limit - (.now - start - excused.withLock { $0 })
            guard left > .zero else { return }
            try await Task.sleep(for: max(left, .milliseconds(10)))
        }
    }
}

/// What the lanes of one round share.
private final class Round: Sendable {
    let pool: Mutex<PiecePool>
    let failures = Mutex<[SupplierName: any Error]>([:])

    init(_ pool: PiecePool) {
        self.pool = Mutex(pool)
    }
}

/// Puts what comes where it belongs, and makes it last from time to time.
private final class Journal: Sendable {
    private struct State {
        var unsaved: UInt64 = 0
        var savedAt = ContinuousClock.now
        var isSaving = false
        var fault: (any Error)?
    }

    private let arrival: ShardArrival
    private let maximumUnsaved: UInt64
    private let interval: Duration
    private let state = Mutex(State())

    init(arrival: ShardArrival, every maximumUnsaved: UInt64, or interval: Duration) {
        self.arrival = arrival
        self.maximumUnsaved = maximumUnsaved
        self.interval = interval
    }

    /// What went wrong with the disk, if anything.
    var fault: (any Error)? { state.withLock { $0.fault } }

    func write(_ bytes: UnsafeRawBufferPointer, part: Int, at offset: UInt64) throws {
        do {
            try arrival.write(bytes, part: part, at: offset)
        } catch let error as LibraryError where error.code != .badShards {
            state.withLock { $0.fault = error }
            throw error
        }
        state.withLock { $0.unsaved += UInt64(bytes.count) }
    }

    func saveIfDue() async throws {
        let isDue = state.withLock { state in
            let isTime = state.unsaved >= maximumUnsaved || ContinuousClock.now - state.savedAt >= interval
            guard isTime, !state.isSaving else { return false }
            state.isSaving = true
            state.unsaved = 0
            state.savedAt = .now
            return true
        }
        guard isDue else { return }
        defer { state.withLock { $0.isSaving = false } }
        do {
            // Waiting for a disk would hold up a thread that others compute on.
            try await NIOThreadPool.singleton.runIfActive { [arrival] in try arrival.save() }
        } catch {
            state.withLock { $0.fault = error }
            throw error
        }
    }
}
