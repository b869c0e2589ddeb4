import BLAKE3
import GGUF
import Identifiers
import Link
import Logging
import ModelLibrary
import Swarm
import Synchronization

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
        var models: [HeldModel] = []
        for model in await library.models() {
            let notes = await hooks.notes(model.id)
            guard !model.held.isEmpty || !notes.downloading.isEmpty else { continue }
            do {
                var held = held(model, try await catalogue.serve(model), loaded: loaded[model.id.rawValue] ?? [])
                held.downloading = notes.downloading.subtracting(model.held)
                held.hubSource = notes.hubSource
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

    private func held(_ model: LibraryModel, _ served: ServedModel, loaded: [LayerRange]) -> HeldModel {
        var held = HeldModel(model.id)
        held.name = model.manifest.name
        held.architecture = model.manifest.architecture
        held.manifestHash = model.manifestHash
        held.totalBytes = model.manifest.totalBytes
        held.shardCount = model.manifest.shards.count
        held.layerCount = model.manifest.layerCount
        if case .aligned(let alignment, _) = served.cut { held.cutAlignment = alignment }
        held.shards = model.held
        held.layers = model.heldLayers
        held.loadedWindows = loaded
        held.millisecondsPerLayer = publishedSpeed(of: served.id)
        return held
    }

    /// The measured time per layer, as long as it has not changed by a tenth the one that was told last.
    private func publishedSpeed(of model: String) -> Double? {
        let measured = supervisor.millisecondsPerLayer(of: model)
        return publishedSpeeds.withLock { speeds in
            let last = speeds[model]
            if let measured, measured > 0, last.map({ abs(measured - $0) > $0 / 10 }) ?? true {
                speeds[model] = measured
            }
            return speeds[model]
        }
    }
}
