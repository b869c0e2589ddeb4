import BLAKE3
import Events
import GGUF
package import Generation
package import Identifiers
import ModelLibrary
import Swarm

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

extension InferenceService {
    /// What unloading a model did.
    package struct Unloading: Sendable, Hashable {
        package var modelName: String
        package var windowsRemoved: Int
        package var freedBytes: UInt64
    }

    // MARK: - What there is

    /// Every model that this node or a connected peer holds something of, by id.
    package func availableModels() async -> [AvailableModel] {
        let peers = membership.peers().filter(\.isConnected)
        let own = await library.models()
        let loaded = await keeper.allLoadedWindows
        var models: [AvailableModel] = []
        for model in own {
            let theirs = peers.compactMap { peer in
                peer.record?.models.first {
                    $0.id == model.id && $0.manifestHash == model.manifestHash && !$0.shards.isEmpty
                }.map { (peer, $0) }
            }
            if model.held.isEmpty, theirs.isEmpty { continue }
            models.append(describe(model, theirs: theirs, loaded: loaded[model.id.rawValue] ?? []))
        }
        let known = Set(own.map(\.id))
        var foreign: [ModelID: [(Peer, HeldModel)]] = [:]
        for peer in peers {
            for held in peer.record?.models ?? [] where !known.contains(held.id) && !held.shards.isEmpty {
                // Of two versions under one name the first one met counts.
                if let first = foreign[held.id]?.first, first.1.manifestHash != held.manifestHash { continue }
                foreign[held.id, default: []].append((peer, held))
            }
        }
        for theirs in foreign.values { models += describe(theirs).map { [$0] } ?? [] }
        return models.sorted { $0.id < $1.id }
    }

    /// The windows in this node's memory, by model.
    package func loadedWindows() async -> [String: [LayerRange]] { await keeper.allLoadedWindows }

    private func describe(
        _ model: LibraryModel, theirs: [(Peer, HeldModel)], loaded: [LayerRange]
    ) -> AvailableModel {
        let manifest = model.manifest
        let runs =
            model.heldLayers + theirs.filter { $0.0.healthy }.flatMap { $0.1.layers }
        let missing = Self.missing(runs, of: manifest.layerCount)
        let trained = manifest.contextLength ?? 0
        return AvailableModel(
            id: model.id.rawValue, name: manifest.name, createdUnixSeconds: Int(model.added.timeIntervalSince1970),
            architecture: manifest.architecture, layerCount: manifest.layerCount, shardCount: manifest.shards.count,
            totalBytes: manifest.totalBytes,
            contextLength: trained > 0 ? min(trained, settings.contextLength) : settings.contextLength,
            isCovered: missing.isEmpty, missingLayers: missing, heldShards: model.held.map(\.rawValue).sorted(),
            holders: (model.held.isEmpty ? [] : [membership.me]) + theirs.map(\.0.id),
            loadedWindows: loaded.map { .init(node: membership.me, layers: $0) } + Self.loadedWindows(theirs))
    }

    private func describe(_ theirs: [(Peer, HeldModel)]) -> AvailableModel? {
        guard let (peer, held) = theirs.first else { return nil }
        let runs = theirs.filter { $0.0.healthy }.flatMap { $0.1.layers }
        let missing = Self.missing(runs, of: held.layerCount)
        return AvailableModel(
            id: held.id.rawValue, name: held.name.isEmpty ? held.id.rawValue : held.name,
            createdUnixSeconds: Int((peer.connectedSince ?? Date()).timeIntervalSince1970),
            architecture: held.architecture, layerCount: held.layerCount, shardCount: held.shardCount,
            totalBytes: held.totalBytes, contextLength: nil, isCovered: missing.isEmpty, missingLayers: missing,
            heldShards: [], holders: theirs.map(\.0.id), loadedWindows: Self.loadedWindows(theirs))
    }

    private static func loadedWindows(_ theirs: [(Peer, HeldModel)]) -> [AvailableModel.LoadedWindow] {
        theirs.flatMap { peer, held in held.loadedWindows.map { .init(node: peer.id, layers: $0) } }
    }

    /// Layers of `count` that none of the runs has.
    private static func missing(_ runs: [LayerRange], of count: Int) -> [LayerRange] {
        var missing: [LayerRange] = []
        var next = 0
        for run in runs.sorted() {
            if let gap = LayerRange(first: next, end: min(run.first, count)) { missing.append(gap) }
            next = max(next, run.end)
        }
        if let gap = LayerRange(first: next, end: count) { missing.append(gap) }
        return missing
    }

    /// Makes sure that the library has the header of a model that this node or a connected peer holds.
    ///
    /// - Throws: `InferenceError` with `modelNotFound` or `modelNotCovered`.
    package func learn(model name: String) async throws {
        _ = try await catalogue.model(named: name)
    }

    // MARK: - Loading and unloading by hand

    /// Loads shards of a model as windows: those given, or all that are held.
    ///
    /// - Returns: The shards that are loaded then.
    /// - Throws: `InferenceError` with `shardNotHeld` for a shard that is not on this node, `unsupported` when the model
    ///   cannot be cut there.
    @discardableResult
    package func load(model name: String, shards: [Int]? = nil) async throws -> [Int] {
        let (known, served) = try await localModel(name)
        var wanted: Set<ShardIndex> = []
        for shard in shards ?? known.held.map(\.rawValue) { wanted.insert(try Self.shard(shard, of: known)) }
        let windows = known.manifest.layers(coveredBy: wanted)
        for window in windows where !served.allows(window) {
            let reason =
                if case .wholeOnly(let reason) = served.cut { "it runs only whole: \(reason)" } else {
                    "it is not cut there"
                }
            throw InferenceError(
                .unsupported, "layers \(window) of model \(served.id) cannot be loaded by themselves: \(reason)",
                hint: "load all shards of the model", parameter: "index")
        }
        for window in windows { _ = try await keeper.lease(window, of: served) }
        // Windows within a larger one serve nobody.
        for loaded in await keeper.loadedWindows(of: served.id)
        where windows.contains(where: { $0 != loaded && $0.contains(loaded) }) {
            _ = try? await keeper.unload(loaded, of: served.id)
        }
        return await loadedShards(known)
    }

    /// Loads one more shard, together with those beside it that are loaded.
    ///
    /// - Returns: The shards that are loaded then.
    package func loadShard(model name: String, shard: Int) async throws -> [Int] {
        let (known, _) = try await localModel(name)
        _ = try Self.shard(shard, of: known)
        let before = Set(await loadedShards(known))
        let loaded = try await load(model: name, shards: Array(before.union([shard])))
        publish(.loaded, "is loaded", shards: Set(loaded).subtracting(before), of: known)
        return loaded
    }

    private func publish(_ event: ShardEvent, _ what: String, shards: Set<Int>, of model: LibraryModel) {
        for shard in shards.sorted() {
            events.publish(
                NodeEvent(
                    .shard(event, shard, EventModel(id: model.id.rawValue, name: model.manifest.name)),
                    "Shard \(shard) of \(model.id) \(what)."))
        }
    }

    /// Unloads one shard; its window is loaded again from what is left.
    ///
    /// - Returns: The shards that are still loaded.
    /// - Throws: `InferenceError` with `inUse` while sessions run in its window.
    package func unloadShard(model name: String, shard: Int) async throws -> [Int] {
        let (known, served) = try await localModel(name)
        let index = try Self.shard(shard, of: known)
        guard let layers = known.manifest[shard: index]?.layers else { return await loadedShards(known) }
        let before = Set(await loadedShards(known))
        let remaining = before.subtracting([shard])
        for window in await keeper.loadedWindows(of: served.id) where window.overlaps(layers) {
            _ = try await keeper.unload(window, of: served.id)
        }
        let kept = Set(remaining.compactMap { ShardIndex($0) })
        for window in known.manifest.layers(coveredBy: kept) where served.allows(window) {
            _ = try await keeper.lease(window, of: served)
        }
        let loaded = await loadedShards(known)
        publish(.unloaded, "is unloaded", shards: before.subtracting(loaded), of: known)
        return loaded
    }

    /// Unloads all windows of a model and stops its engine. A model that is not known has none.
    ///
    /// - Throws: `InferenceError` with `inUse` while sessions run.
    package func unload(model name: String) async throws -> Unloading {
        guard let id = ModelID(name), let known = try? await library.model(id) else {
            return Unloading(modelName: name, windowsRemoved: 0, freedBytes: 0)
        }
        var unloading = Unloading(modelName: known.manifest.name, windowsRemoved: 0, freedBytes: 0)
        for window in await keeper.loadedWindows(of: id.rawValue) {
            unloading.freedBytes += try await keeper.unload(window, of: id.rawValue)
            unloading.windowsRemoved += 1
        }
        await supervisor.stop(model: id.rawValue)
        return unloading
    }

    /// Whether sessions run in windows of a model that have one of these layers, or such windows are being loaded; what
    /// is in use must not be deleted.
    package func isInUse(model name: String, layers: LayerRange? = nil) async -> Bool {
        await keeper.isInUse(layers, of: name)
    }

    /// Shards whose layers are all loaded on this node.
    package func loadedShards(model name: String) async -> [Int] {
        guard let id = ModelID(name), let known = try? await library.model(id) else { return [] }
        return await loadedShards(known)
    }

    private func loadedShards(_ model: LibraryModel) async -> [Int] {
        let windows = await keeper.loadedWindows(of: model.id.rawValue)
        return model.manifest.shards.filter { shard in windows.contains { $0.contains(shard.layers) } }
            .map(\.index.rawValue)
    }

    private func localModel(_ name: String) async throws -> (LibraryModel, ServedModel) {
        guard let id = ModelID(name), let known = try? await library.model(id) else {
            throw InferenceError(
                .modelNotFound, "this node has no model \"\(name.prefix(200))\"",
                hint: "GET /api/admin/models lists what there is", parameter: "model")
        }
        return (known, try await catalogue.serve(known))
    }

    private static func shard(_ number: Int, of model: LibraryModel) throws -> ShardIndex {
        guard let index = ShardIndex(number), model.held.contains(index) else {
            throw InferenceError(
                .shardNotHeld, "shard \(number) of model \(model.id) is not on this node",
                hint: "it holds \(model.held.map(\.rawValue).sorted())", parameter: "index")
        }
        return index
    }
}
