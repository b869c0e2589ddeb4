import BLAKE3
import GGUF
import Identifiers
import Link
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

extension InferenceService {
    /// Tells the swarm what this node holds, has loaded, and how fast it is, at first and after every change.
    func publishChanges() async {
        await publish()
        await withDiscardingTaskGroup { group in
            group.addTask { for await _ in self.library.changes() { await self.publish() } }
            group.addTask { for await _ in self.keeperChanges { await self.publish() } }
            group.addTask {
                for await _ in self.supervisor.engineChanges {
                    await self.keeper.reconcile()
                    await self.stopStaleEngines()
                    await self.publish()
                }
            }
            group.addTask {
                for await change in self.membership.changes() where change == .credentials {
                    // Engines still prove membership of the old swarm: the next use starts new ones.
                    await self.links.dropAll()
                    await self.supervisor.stopAll()
                }
            }
        }
    }

    /// Tells the swarm again what this node holds, as ``InferenceHooks/notes`` has something new to say.
    package func republish() async { await publish() }

    private func publish() async {
        let loaded = await keeper.allLoadedWindows
        var models: [Shoal_V1_HeldModel] = []
        for model in await library.models() {
            let notes = await hooks.notes(model.id)
            guard !model.held.isEmpty || !notes.downloading.isEmpty else { continue }
            do {
                var held = held(model, try await catalogue.serve(model), loaded: loaded[model.id.rawValue] ?? [])
                held.downloading = notes.downloading.subtracting(model.held).map { UInt32($0.rawValue) }.sorted()
                if let source = notes.hubSource { held.hubSource = source }
                models.append(held)
            } catch {
                logger.warning(
                    "a model is not offered to the swarm", metadata: ["model": "\(model.id)", "error": "\(error)"])
            }
        }
        let version = supervisor.lastStatuses.values.first?.engineVersion
        membership.publish { record in
            record.models = models
            if let version { record.engineVersion = version }
        }
    }

    private func held(_ model: LibraryModel, _ served: ServedModel, loaded: [LayerRange]) -> Shoal_V1_HeldModel {
        .with {
            $0.modelID = model.id.rawValue
            $0.name = model.manifest.name
            $0.manifestHash = Data(model.manifestHash.bytes)
            $0.shardCount = UInt32(model.manifest.shards.count)
            $0.layerCount = UInt32(model.manifest.layerCount)
            $0.shards = model.held.map { UInt32($0.rawValue) }.sorted()
            $0.layers = model.heldLayers.map { .init($0) }
            $0.loadedWindows = loaded.map { .init($0) }
            $0.millisecondsPerLayer = publishedSpeed(of: served.id)
            $0.totalBytes = model.manifest.totalBytes
            $0.architecture = model.manifest.architecture
            if case .aligned(let alignment, _) = served.cut { $0.cutAlignment = UInt32(alignment) }
        }
    }

    /// The measured time per layer, as long as it has not changed by a tenth the one that was told last.
    private func publishedSpeed(of model: String) -> Double {
        let measured = supervisor.millisecondsPerLayer(of: model) ?? 0
        return publishedSpeeds.withLock { speeds in
            let last = speeds[model] ?? 0
            if measured > 0, last == 0 || abs(measured - last) > last / 10 { speeds[model] = measured }
            return speeds[model] ?? 0
        }
    }
}
