import BLAKE3
import GGUF
package import GRPCCore
import Generation
package import Identifiers
package import Link
import Logging
import ModelLibrary
import Swarm
import SwiftProtobuf
import Synchronization

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// What this node does for the sessions of others: makes windows ready, and hands out headers.
package struct NodeRequests: NodeRequestHandler {
    /// Bytes of a header per message.
    private static let chunkBytes = 512 << 10
    /// How long a window is kept for a session that was announced and has not begun.
    private static let reservation: Duration = .seconds(15)
    /// How often progress is told while a window loads, whether or not there is any.
    private static let progressInterval: Duration = .milliseconds(500)

    let catalogue: ModelCatalogue
    let shared: NodeSegments.Shared
    let onForward: @Sendable (NodeID) -> Void

    package func prepareWindow(
        _ request: Shoal_V1_PrepareWindowRequest, from peer: NodeID,
        response: RPCWriter<Shoal_V1_PrepareWindowProgress>
    ) async throws {
        let (model, layers) = try await window(request)
        let progress = LoadFraction()
        let connection: EngineConnection
        do {
            connection = try await withThrowingTaskGroup(of: EngineConnection?.self) { group in
                group.addTask { try await lease(layers, of: model) { progress.note($0) } }
                group.addTask {
                    while true {
                        try await Task.sleep(for: Self.progressInterval)
                        try await response.write(.with { $0.fraction = progress.latest })
                    }
                }
                defer { group.cancelAll() }
                guard let connection = try await group.next() ?? nil else { throw CancellationError() }
                return connection
            }
        } catch let error as InferenceError {
            throw RPCError(error)
        }
        onForward(peer)
        try await response.write(
            .with {
                $0.fraction = 1
                $0.endpoint = shared.membership.engineEndpoint(port: connection.port)
            })
    }

    /// Loads the window unless it is, in an engine that answers.
    private func lease(
        _ layers: LayerRange, of model: ServedModel, progress: @escaping @Sendable (Float) -> Void
    ) async throws -> EngineConnection {
        for _ in 0..<3 {
            let lease = try await shared.keeper.lease(layers, of: model, progress: progress)
            await shared.keeper.reserve(layers, of: model.id, for: Self.reservation)
            let engine = shared.supervisor.existingEngine(model: model.id)
            let isDead = await engine?.killUnlessAlive(
                generation: lease.connection.generation, within: .milliseconds(700))
            if isDead == false { return lease.connection }
        }
        throw InferenceError(.engineFailed, "the engine of model \(model.id) does not answer")
    }

    /// The model and layers that are asked for, checked against what is here.
    private func window(_ request: Shoal_V1_PrepareWindowRequest) async throws -> (ServedModel, LayerRange) {
        guard let id = ModelID(request.modelID), let known = try? await shared.library.model(id) else {
            throw RPCError(code: .notFound, message: "there is no model \(request.modelID.prefix(80)) here")
        }
        guard known.manifestHash.bytes == [UInt8](request.manifestHash) else {
            throw RPCError(code: .failedPrecondition, message: "the model \(id) here is another one")
        }
        let model = try await catalogue.serve(known)
        guard let layers = LayerRange(wire: request.layers), layers.end <= model.layerCount else {
            throw RPCError(code: .invalidArgument, message: "these layers are not a window")
        }
        guard known.heldLayers.contains(where: { $0.contains(layers) }) else {
            throw RPCError(code: .failedPrecondition, message: "layers \(layers) of model \(id) are not held here")
        }
        guard model.allows(layers) else {
            throw RPCError(code: .invalidArgument, message: "layers \(layers) of model \(id) may not be a window")
        }
        return (model, layers)
    }

    package func fetchHeader(
        _ request: Shoal_V1_FetchHeaderRequest, from peer: NodeID, response: RPCWriter<Shoal_V1_FileChunk>
    ) async throws {
        guard let id = ModelID(request.modelID), let known = try? await shared.library.model(id) else {
            throw RPCError(code: .notFound, message: "there is no model \(request.modelID.prefix(80)) here")
        }
        let headers = try await shared.library.headers(id: id)
        try await response.write(.with { $0.manifest = (try? known.manifest.json()) ?? Data() })
        for (part, header) in headers.enumerated() {
            for offset in stride(from: 0, to: header.count, by: Self.chunkBytes) {
                try await response.write(
                    .with {
                        $0.part = UInt32(part)
                        $0.offset = UInt64(offset)
                        $0.data = Data(header[offset..<min(offset + Self.chunkBytes, header.count)])
                        if offset == 0 {
                            $0.partSize = known.manifest.parts[part].sizeBytes
                            $0.partName = known.manifest.parts[part].name
                        }
                    })
            }
        }
    }
}

/// How far a load has come, told from one task and asked from another.
private final class LoadFraction: Sendable {
    private let fraction = Mutex<Float>(0)

    var latest: Float { fraction.withLock { $0 } }

    func note(_ value: Float) { fraction.withLock { $0 = value } }
}

extension RPCError {
    /// What a peer is told of an inference error.
    init(_ error: InferenceError) {
        let code: RPCError.Code =
            switch error.code {
            case .noCapacity: .resourceExhausted
            case .modelNotFound: .notFound
            case .engineMissing, .modelNotCovered, .unsupported: .failedPrecondition
            case .badRequest: .invalidArgument
            default: .unavailable
            }
        self.init(code: code, message: error.message)
    }
}
