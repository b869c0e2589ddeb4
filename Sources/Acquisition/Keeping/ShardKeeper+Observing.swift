import FoundationEssentials
import Identifiers
import Logging
import ModelLibrary
import Swarm
import Timing

extension ShardKeeper {
    /// Times of use are written down only when they differ by this much.
    private static let useGranularity: TimeInterval = 60

    // MARK: - What is here

    /// Brings the records in line with what the library has: since when shards are held, and where models are from.
    func reconcile() async {
        let now = clock.date()
        do {
            try records.refresh()
            for model in await library.models() {
                if model.isComplete, !records.isKnown(model.id) {
                    // Nobody but an operator can have put it there.
                    try records.pin(model.id, at: now)
                }
                guard let record = try? records.record(of: model.id) else { continue }
                let noted = record.shards { $0.heldSince != nil }
                if noted != model.held {
                    try records.update(model.id) { record in
                        for shard in model.held.subtracting(noted) {
                            record.shards[shard, default: .init()].heldSince = now
                        }
                        for shard in noted.subtracting(model.held) {
                            record.shards[shard]?.heldSince = nil
                            record.shards[shard]?.lastUsed = nil
                        }
                    }
                }
                await reconcileOrigin(of: model.id, record)
            }
        } catch {
            logger.error("cannot write down what this node holds", metadata: ["reason": "\(error)"])
        }
    }

    /// The record and the file beside the model say the same afterwards; where both say something, the record counts.
    private func reconcileOrigin(of model: ModelID, _ record: ModelRecord) async {
        let folder = folder(of: model)
        do {
            let file = try OriginFile.read(in: folder)
            if let origin = record.origin, !record.isOriginHearsay {
                if origin != file { try OriginFile.write(origin, in: folder) }
            } else if let file {
                try records.update(model) { record in
                    record.origin = file
                    record.isOriginHearsay = false
                }
                await surroundings.republish()
            }
        } catch {
            publishOnce(.origin(model), "\(error)") {
                logger.warning(
                    "cannot tell where a model is from", metadata: ["model": "\(model)", "reason": "\(error)"])
            }
        }
    }

    /// Removes what an earlier process left when it was killed.
    func removeLeftovers() {
        for name in (try? FileManager.default.contentsOfDirectory(atPath: library.directory)) ?? [] {
            if let model = ModelID(name) { OriginFile.removeLeftover(in: folder(of: model)) }
        }
    }

    func folder(of model: ModelID) -> String { "\(library.directory)/\(model)" }

    /// Takes note that shards were loaded at that moment.
    func noteUse(of shards: Set<ShardIndex>, of model: ModelID, at now: Date) {
        guard let record = try? records.record(of: model) else { return }
        let news = shards.filter { shard in
            record.shards[shard]?.lastUsed.map { abs(now.timeIntervalSince($0)) >= Self.useGranularity } ?? true
        }
        guard !news.isEmpty else { return }
        do {
            try records.update(model) { record in
                for shard in news { record.shards[shard, default: .init()].lastUsed = now }
            }
        } catch {
            logger.error("cannot write down when shards were used", metadata: ["reason": "\(error)"])
        }
    }

    // MARK: - What is asked for

    /// Counts the requests that have come since the last time, of models that this node knows of.
    func takeRequests() async {
        let counts = records.takeWaitingRequests()
        guard !counts.isEmpty else { return }
        var known = Set(await library.models().map(\.id))
        for peer in membership.peers() { known.formUnion(peer.models) }
        let wanted = counts.filter { known.contains($0.key) }
        let now = clock.date()
        do {
            try records.add(wanted, at: now)
            for (model, count) in wanted {
                try noteTrust(of: model, Array(repeating: .requested, count: min(count, ModelTrust.verifyingRequests)))
                noteUse(of: await surroundings.loadedShards(model), of: model, at: now)
            }
        } catch {
            logger.error("cannot write down what was asked for", metadata: ["reason": "\(error)"])
        }
        publishDemand()
    }

    /// Tells the swarm what was asked of this node within the last hour.
    func publishDemand() {
        let demand = records.demand(at: clock.date()).sorted { ($1.value, $0.key) < ($0.value, $1.key) }
        membership.publish { record in
            record.region = settings.region
            record.demand = Dictionary(uniqueKeysWithValues: demand.prefix(RecordRules.maximumModels).map { ($0, $1) })
        }
    }

    // MARK: - What peers say

    /// Takes over from peers what counts here too: requests for models, and where models are from.
    func takeOverFromPeers() async {
        let peers = membership.peers().filter(\.isConnected)
        var latest: [NodeID: [ModelID: Int]] = [:]
        var news: [ModelID: Int] = [:]
        for peer in peers {
            let demand = Self.demand(of: peer)
            latest[peer.id] = demand
            let before = demandOfPeers[peer.id] ?? [:]
            for (model, requests) in demand { news[model, default: 0] += max(0, requests - before[model, default: 0]) }
        }
        demandOfPeers = latest
        do {
            for (model, count) in news where count > 0 {
                try noteTrust(of: model, Array(repeating: .requested, count: min(count, ModelTrust.verifyingRequests)))
            }
            if try takeOverOrigins(from: peers) { await surroundings.republish() }
        } catch {
            logger.error("cannot write down what peers say", metadata: ["reason": "\(error)"])
        }
    }

    /// - Returns: whether there was something new.
    private func takeOverOrigins(from peers: [Peer]) throws -> Bool {
        var isNew = false
        for peer in peers {
            for held in peer.record?.models ?? [] {
                let model = held.id
                guard let source = held.hubSource, let record = try? records.record(of: model),
                    record.origin == nil, !record.isDeleted
                else { continue }
                guard
                    let origin = try? ModelOrigin(
                        checking: source.repository, file: source.file, revision: source.revision)
                else {
                    logger.debug(
                        "a peer tells of no place that a model can be from",
                        metadata: ["peer": "\(peer.id)", "model": "\(model)"])
                    continue
                }
                try records.update(model) { record in
                    record.origin = origin
                    record.isOriginHearsay = true
                }
                isNew = true
            }
        }
        return isNew
    }

    /// Fetches the headers of trusted models that only peers have: without them nothing can be decided.
    func learnModels() async {
        guard settings.limits.isEnabled, surroundings.fetch != nil else { return }
        let known = Set(await library.models().map(\.id))
        let foreign = Set(membership.peers().filter(\.healthy).flatMap(\.models)).subtracting(known)
        let now = clock.date()
        for model in foreign.sorted() where !Task.isCancelled {
            guard let record = try? records.record(of: model), let trust = record.trust, !record.isDeleted,
                record.policy.isEnabled, trust.level(at: now).allowsFetching
            else { continue }
            do {
                try await surroundings.learn(model)
            } catch {
                publishOnce(.header(model), "\(error)") {
                    logger.warning(
                        "cannot learn of a model that peers have",
                        metadata: ["model": "\(model)", "reason": "\(error)"])
                }
            }
        }
    }

    /// Counts the holders of each model towards its trust.
    func noteHolders(in snapshot: AutoManageSnapshot) {
        for model in snapshot.models where (try? records.record(of: model.id))?.trust != nil {
            let others = snapshot.peers.count { $0.isHealthy && $0.held[model.id]?.isEmpty == false }
            let holders = others + (model.held.isEmpty ? 0 : 1)
            do {
                try noteTrust(of: model.id, [.seen(holders: holders)])
            } catch {
                logger.error("cannot write down how far a model is trusted", metadata: ["reason": "\(error)"])
            }
        }
    }

    /// - Throws: `StoreError`.
    func noteTrust(of model: ModelID, _ happenings: [ModelTrust.Event]) throws {
        let now = clock.date()
        // A record that cannot be read is left to the operator.
        guard (try? records.record(of: model)) != nil else { return }
        let change = try records.update(model) { record in
            var trust = record.trust ?? ModelTrust(discovered: now)
            let changes = happenings.compactMap { trust.apply($0, at: now) }
            record.trust = trust
            return changes.first.flatMap { first in
                changes.last.map { ModelTrust.Change(from: first.from, to: $0.to) }
            }
        }
        if let change { publish(change, of: model) }
    }
}

extension Peer {
    /// The models that it tells of.
    var models: [ModelID] { record?.models.map(\.id) ?? [] }
}
