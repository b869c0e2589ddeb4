import GGUF
package import Identifiers
import Link
package import ModelLibrary
import Swarm

/// Takes the wishes of operators to hold models, and has them fetched.
package struct ModelAcquirer: Sendable {
    private let library: ModelLibrary
    private let queue: DownloadQueue
    private let keeper: ShardKeeper
    private let suppliers: ShardSuppliers
    private let hub: HubModels?
    private let sources: ShardSources

    package init(
        library: ModelLibrary, queue: DownloadQueue, keeper: ShardKeeper, suppliers: ShardSuppliers, hub: HubModels?,
        sources: ShardSources
    ) {
        self.library = library
        self.queue = queue
        self.keeper = keeper
        self.suppliers = suppliers
        self.hub = hub
        self.sources = sources
    }

    /// Pins a model that the swarm or a hub is known to have, and begins to fetch this node's share of it.
    ///
    /// - Throws: `AcquisitionError`: `noSource`, `diskFull`; `LibraryError`, `StoreError`.
    package func add(_ model: ModelID) async throws {
        try await queue.fetch(.fairShare, of: model, trigger: .user)
        try await keeper.notePinned(model)
    }

    /// Begins to fetch one shard from whoever holds it.
    ///
    /// - Throws: `AcquisitionError`: `badShards`, `noSource` where nobody has it, `diskFull`; `LibraryError` of code
    ///   `modelNotFound`; `StoreError`.
    package func fetch(_ shard: ShardIndex, of id: ModelID) async throws -> ShardDownload {
        if (try? await library.model(id)) == nil { try await sources.adoptHeader(id) }
        let model = try await library.model(id)
        guard !model.held.contains(shard) else { return .alreadyLocal }
        let peer = suppliers.peers(holding: shard, of: model).first
        let origin = await keeper.origin(of: id)
        guard peer != nil || origin != nil, model.manifest[shard: shard] != nil else {
            guard model.manifest[shard: shard] != nil else {
                throw AcquisitionError(
                    .badShards, field: "index",
                    "\(id) has \(model.manifest.shards.count) shards, counted from 0: there is no shard \(shard)")
            }
            throw AcquisitionError(
                .noSource,
                "no connected node holds shard \(shard) of \(id), and it is not known where its publisher has it; "
                    + "connect a node that holds it, or pull it from its repository")
        }
        try await queue.fetch(.some(ShardSelection([shard])), of: id, trigger: .user)
        try await keeper.noteWanted(id, shards: [shard])
        if let peer { return .fromPeer(peer.id) }
        guard let origin else { return .alreadyLocal }
        return .fromHub(origin)
    }

    /// Reads a file's header on the hub, takes the model into the library, and begins to fetch shards of it.
    ///
    /// - Parameter id: the id to keep it under; nil: the one that the file's name gives.
    /// - Returns: the model, and the shards that were asked for.
    /// - Throws: `HubError`; `AcquisitionError`: `badShards`, `unsupported`, `diskFull` before anything is written;
    ///   `LibraryError` of code `idTaken`, `notAModel`; `StoreError`.
    package func pull(
        _ origin: ModelOrigin, _ wanted: WantedShards, id: ModelID?
    ) async throws -> (model: ModelID, shards: Set<ShardIndex>) {
        let hub = try hubModels
        await queue.publishProbe(of: origin)
        let description = try await hub.describe(origin, id: id)
        let manifest = description.manifest
        guard manifest.isSupported else {
            throw AcquisitionError(
                .unsupported, field: "filename",
                "the engine does not run models of the architecture “\(manifest.architecture)”; choose another model")
        }
        let nodes = sources.nodes()
        let shards = try wanted.indices(of: manifest, for: nodes.own, among: nodes.peers)
        if (try? await library.model(manifest.id)) == nil {
            let ranges = shards.compactMap { manifest[shard: $0] }.flatMap(\.ranges)
            let needed = ByteRange.joined(ranges).reduce(description.headerBytes) { $0 + $1.length }
            try await queue.checkRoom(forBytes: needed, of: manifest.id, shards: shards.count)
        }
        var origin = description.origin
        // The model is complete without it, so that its lack stops nothing.
        origin.projector = try? await hub.projector(beside: origin)
        try await hub.adopt(description)
        try await keeper.setOrigin(origin, of: manifest.id)
        try await queue.fetch(.some(ShardSelection(shards)), of: manifest.id, trigger: .user)
        try await keeper.noteWanted(manifest.id, shards: shards)
        return (manifest.id, shards)
    }

    /// The hub, for looking around.
    ///
    /// - Throws: `AcquisitionError` of code `noSource` for a node that asks none.
    package var hubModels: HubModels {
        get throws {
            guard let hub else {
                throw AcquisitionError(.noSource, "this node asks no hub; check HF_ENDPOINT and HF_TOKEN, and its log")
            }
            return hub
        }
    }
}
