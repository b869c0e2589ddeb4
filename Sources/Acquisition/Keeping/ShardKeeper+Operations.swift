import FoundationEssentials
package import Identifiers
import ModelLibrary
import Swarm
import Timing

// What operators decide about models, and ask. Every change is on the disk when the call returns.
extension ShardKeeper {
    // MARK: - Policies

    /// - Throws: `AcquisitionError` of code `badRecord`.
    package func policy(of model: ModelID) throws -> ModelPolicy { try records.record(of: model).policy }

    /// - Throws: `StoreError`.
    package func setPolicy(_ policy: ModelPolicy, of model: ModelID) throws {
        try records.update(model) { $0.policy = policy }
        runNow()
    }

    // MARK: - Locks

    package func isLocked(_ shard: ShardIndex, of model: ModelID) -> Bool {
        (try? records.record(of: model))?.shards[shard]?.isLocked == true
    }

    /// Says that a shard stays, or need not stay any longer. A shard that is not here yet may be locked as well.
    ///
    /// - Throws: `LibraryError` of code `modelNotFound` or `shardNotFound`, `AcquisitionError` of code `givingUp` where
    ///   the shard is being given up at this moment, `StoreError`.
    package func setLocked(_ isLocked: Bool, _ shard: ShardIndex, of model: ModelID) async throws {
        let manifest = try await library.model(model).manifest
        guard manifest[shard: shard] != nil else {
            throw LibraryError(
                .shardNotFound, "\(model) has \(manifest.shards.count) shards, there is no shard \(shard)")
        }
        guard !isLocked || deleting != ShardName(model: model, shard: shard) else {
            throw AcquisitionError(
                .givingUp,
                "shard \(shard) of \(model) is being given up at this moment; fetch it again, then lock it")
        }
        try records.update(model) { $0.shards[shard, default: .init()].isLocked = isLocked }
        runNow()
    }

    // MARK: - Trust

    /// How far a model is trusted at this moment.
    package func trust(of model: ModelID) -> ModelTrust.Level {
        (try? records.record(of: model))?.trust?.level(at: clock.date()) ?? .discovered
    }

    package func isPinned(_ model: ModelID) -> Bool {
        (try? records.record(of: model))?.trust?.isPinned == true
    }

    /// Takes note that a model was asked for, under the name that the client wrote; costs next to nothing.
    package nonisolated func noteRequest(_ name: String) { records.noteRequest(name) }

    /// A user added the model: it stays, and its shards are fetched without being asked for.
    ///
    /// - Throws: `StoreError`.
    package func notePinned(_ model: ModelID) throws {
        try noteWish(for: model) { _ in }
    }

    /// A user asked for shards of a model, or with nil for all: what was deleted of them by hand no longer stays so.
    ///
    /// - Throws: `StoreError`.
    package func noteWanted(_ model: ModelID, shards: Set<ShardIndex>?) throws {
        try noteWish(for: model) { record in
            for shard in shards ?? Set(record.shards.keys) { record.shards[shard]?.isDeleted = false }
        }
    }

    private func noteWish(for model: ModelID, _ change: (inout ModelRecord) -> Void) throws {
        try records.pin(model, at: clock.date(), change)
        runNow()
    }

    // MARK: - What was deleted by hand

    /// An operator deletes the model: it is not fetched again until somebody asks for it. To be called before its files go.
    ///
    /// - Throws: `StoreError`.
    package func noteDeleted(model: ModelID) throws {
        let now = clock.date()
        try records.update(model) { record in
            record.isDeleted = true
            record.trust?.apply(.unpinned, at: now)
            record.origin = nil
            record.isOriginHearsay = false
            for shard in record.shards.keys {
                record.shards[shard]?.isLocked = false
                record.shards[shard]?.heldSince = nil
                record.shards[shard]?.lastUsed = nil
            }
        }
    }

    /// An operator deletes a shard: it is not fetched again until somebody asks for it. To be called before its bytes go.
    ///
    /// - Throws: `StoreError`.
    package func noteDeleted(shard: ShardIndex, of model: ModelID) throws {
        try records.update(model) { record in
            var note = record.shards[shard] ?? .init()
            note.isDeleted = true
            note.isLocked = false
            record.shards[shard] = note
        }
    }

    // MARK: - Where models are from

    /// Where the publisher has the model, as an operator or, failing that, a peer said.
    package func origin(of model: ModelID) -> ModelOrigin? { (try? records.record(of: model))?.origin }

    /// Writes down where a model is from, also beside its files once it has some.
    ///
    /// - Throws: `AcquisitionError` of code `badOrigin` or `fileSystem`, `StoreError`.
    package func setOrigin(_ origin: ModelOrigin, of model: ModelID) async throws {
        let origin = try origin.checked()
        try records.update(model) { record in
            record.origin = origin
            record.isOriginHearsay = false
        }
        if (try? await library.model(model)) != nil { try OriginFile.write(origin, in: folder(of: model)) }
        await surroundings.republish()
    }

    /// Requests for each model in the swarm within the last hour: those that were made here, and those that peers tell of.
    package var demand: [ModelID: Int] { demand(at: clock.date()) }

    // MARK: - History

    /// The latest 1000 shards that this node gave up by itself, the latest first.
    ///
    /// - Throws: `StoreError`.
    package func pruneHistory() throws -> [PruneRecord] { try records.pruneHistory() }
}
