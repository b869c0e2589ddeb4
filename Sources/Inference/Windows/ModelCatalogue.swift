import BLAKE3
import Bytes
import GGUF
import GRPCCore
import Generation
import Identifiers
import Link
package import Logging
package import ModelLibrary
package import Swarm
import SwiftProtobuf

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// The models that this node can take part in: what its library has, and what it can learn of from its peers.
package actor ModelCatalogue {
    private let library: ModelLibrary
    private let membership: any Membership
    private let logger: Logger
    private var served: [ModelID: (hash: [UInt8], model: ServedModel)] = [:]
    private var adoptions: [ModelID: Task<Void, any Error>] = [:]

    package init(library: ModelLibrary, membership: any Membership, logger: Logger) {
        self.library = library
        self.membership = membership
        self.logger = logger
    }

    /// The model of that id as the client wrote it. When only peers have it, its header is fetched from one of them.
    ///
    /// - Throws: `InferenceError` with `modelNotFound`.
    package func model(named name: String) async throws -> (library: LibraryModel, served: ServedModel) {
        guard let id = ModelID(name) else { throw Self.notFound(name) }
        if let known = try? await library.model(id) { return (known, try serve(known)) }
        try await adopt(id)
        guard let known = try? await library.model(id) else { throw Self.notFound(name) }
        return (known, try serve(known))
    }

    /// What follows from the header of a library's model, worked out once.
    package func serve(_ model: LibraryModel) throws -> ServedModel {
        let hash = model.manifestHash.bytes
        if let known = served[model.id], known.hash == hash { return known.model }
        let header: GGUFModel
        do {
            header = try model.open()
        } catch {
            throw InferenceError(
                .engineFailed, "the header of model \(model.id) cannot be read",
                hint: "verify the model, or import it again", cause: error)
        }
        let made = ServedModel(
            id: model.id.rawValue, name: model.manifest.name, paths: model.paths, layerCount: header.layerCount,
            cut: PlanningSnapshot.Cut(CutTable.rule(for: header)), layerBytes: Self.layerBytes(header),
            cacheBytesPerCellAndLayer: UInt64(header.cacheBytesPerTokenAndLayer ?? 0),
            trainedContextLength: header.contextLength ?? 0, manifestHash: hash)
        served[model.id] = (hash, made)
        return made
    }

    private static func notFound(_ name: String) -> InferenceError {
        InferenceError(
            .modelNotFound, "no node of the swarm has a model \"\(name.prefix(200))\"",
            hint: "GET /v1/models lists what there is", parameter: "model")
    }

    /// Bytes of each layer; embeddings with the first, the output with the last.
    private static func layerBytes(_ model: GGUFModel) -> [UInt64] {
        var bytes = [UInt64](repeating: 0, count: model.layerCount)
        for placed in model.tensors {
            let layer = model.layer(of: placed.tensor) ?? (placed.tensor.name.hasPrefix("output") ? bytes.count - 1 : 0)
            guard bytes.indices.contains(layer) else { continue }
            bytes[layer] += placed.range.length
        }
        return bytes
    }

    // MARK: - Models of peers

    private func adopt(_ id: ModelID) async throws {
        if let running = adoptions[id] { return try await running.value }
        let task = Task { try await self.fetch(id) }
        adoptions[id] = task
        defer { adoptions[id] = nil }
        try await task.value
    }

    /// Fetches manifest and headers from a peer: of the most widely held version, the nearest holder first.
    private func fetch(_ id: ModelID) async throws {
        var versions: [BLAKE3.Digest: [Peer]] = [:]
        for peer in membership.peers() where peer.isConnected {
            guard let hash = peer.record?.models.first(where: { $0.id == id })?.manifestHash else { continue }
            versions[hash, default: []].append(peer)
        }
        let chosen = versions.max { left, right in
            (left.value.count, right.key.hex) < (right.value.count, left.key.hex)
        }
        guard let chosen else { throw Self.notFound(id.rawValue) }
        var failure: (any Error)?
        for peer in chosen.value.sorted(by: { ($0.roundTrip ?? .seconds(1)) < ($1.roundTrip ?? .seconds(1)) }) {
            do {
                try await fetch(id, hash: chosen.key, from: peer.id)
                logger.info("fetched a model's header", metadata: ["model": "\(id)", "from": "\(peer.id)"])
                return
            } catch {
                failure = error
                logger.warning(
                    "a model's header could not be fetched",
                    metadata: ["model": "\(id)", "from": "\(peer.id)", "error": "\(error)"])
            }
        }
        throw InferenceError(
            .modelNotCovered, "the header of model \(id) could not be fetched from any of its holders", cause: failure)
    }

    private func fetch(_ id: ModelID, hash: BLAKE3.Digest, from peer: NodeID) async throws {
        let channel = try await membership.channel(to: peer)
        var (manifest, headers) = try await channel.node.fetchHeader(
            .with { $0.modelID = id.rawValue }, options: .within(.seconds(60))
        ) { response in
            var assembly = HeaderAssembly()
            for try await chunk in response.messages { try assembly.add(chunk) }
            return try assembly.finish()
        }
        guard manifest.hash == hash, manifest.id == id else {
            throw InferenceError(.engineFailed, "node \(peer.short) sent another model than \(id)")
        }
        // What the shards' bytes should be is no part of what the hash binds: one peer's word on it is not enough. Whoever
        // fetches a shard goes by what most of its holders say.
        for shard in manifest.shards.indices { manifest.shards[shard].hash = nil }
        try await library.adoptHeader(manifest, parts: headers)
    }
}
