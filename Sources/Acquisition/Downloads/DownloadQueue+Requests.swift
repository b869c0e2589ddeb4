import Events
import GGUF
package import Identifiers
import Link
import Logging
package import ModelLibrary
import Store

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

extension DownloadQueue {
    /// Asks for shards of a model. What is asked for of a model whose download is under way is added to it.
    ///
    /// - Returns: the shards, where the model's header is here; nil where it has to come first.
    /// - Throws: `AcquisitionError`: `badShards`, `diskFull` where there is no room for all of them: then nothing was begun;
    ///   `noSource` where nobody is known to have the model; `LibraryError`, `StoreError`.
    @discardableResult
    package func fetch(
        _ wanted: WantedShards, of model: ModelID, trigger: DownloadStatus.Trigger
    ) async throws -> Set<ShardIndex>? {
        var known = try? await library.model(model)
        if known == nil, downloads[model]?.state.isActive != true {
            try await checkSource(of: model)
            known = try? await library.model(model)
        }
        let nodes = sources.nodes()
        let indices = try known.map { try wanted.indices(of: $0.manifest, for: nodes.own, among: nodes.peers) }
        if let known, let indices { try await checkRoom(for: indices.subtracting(known.held), of: known) }
        while let cancellation = cancellations[model] { await cancellation.value }
        // From here on nothing else runs on this actor: what was begun or ended meanwhile is seen.
        var entry = DownloadTable.Entry(
            model: model, wanted: wanted, trigger: trigger, startedAt: Date(), failure: nil)
        // A share is what it was when it was asked for.
        if let indices { entry.wanted = .some(ShardSelection(indices)) }
        if let active = downloads[model], active.state.isActive {
            entry.wanted = active.entry.wanted.joined(with: entry.wanted)
            entry.startedAt = active.entry.startedAt
            if active.entry.trigger == .user { entry.trigger = .user }
        }
        try begin(entry)
        return indices
    }

    /// Whether all of a model could come, before anything is written.
    ///
    /// - Throws: `AcquisitionError` of code `diskFull`; `LibraryError`.
    package func checkRoom(for shards: Set<ShardIndex>, of model: LibraryModel) async throws {
        let own = downloads[model.id].map { $0.state.isActive ? $0.progress.shards : [] } ?? []
        let wanted = shards.union(own.filter { $0.state != .complete }.map(\.index)).subtracting(model.held)
        let here = try await library.arriving().filter { $0.model == model.id && wanted.contains($0.shard) }
            .reduce(UInt64(0)) { $0 + $1.writtenBytes }
        let all = Self.bytes(of: wanted, in: model)
        try await checkRoom(forBytes: all - min(all, here), of: model.id, shards: wanted.count)
    }

    /// The same for a model that is not in the library yet.
    package func checkRoom(forBytes coming: UInt64, of model: ModelID, shards: Int) async throws {
        let others = outstandingBytes(except: model)
        let room = try await sources.room()
        guard coming + others <= room else {
            throw AcquisitionError(
                .diskFull,
                "\(shards) shards of \(model) need \(coming >> 20) MiB, and "
                    + (others > 0 ? "other downloads \(others >> 20) MiB more; " : "")
                    + "models may take \(room >> 20) MiB more of this disk; free some space, raise "
                    + "resources.max_disk_mb, or ask for fewer shards")
        }
    }

    /// Bytes that are still to come of other downloads than that model's.
    private func outstandingBytes(except model: ModelID) -> UInt64 {
        downloads.values.filter { $0.state.isActive && $0.entry.model != model }.flatMap(\.progress.shards)
            .reduce(UInt64(0)) { $0 + $1.missingBytes }
    }

    /// Bytes that those shards need beside what is held.
    static func bytes(of shards: Set<ShardIndex>, in model: LibraryModel) -> UInt64 {
        let held = model.manifest.headerRanges + model.held.compactMap { model.manifest[shard: $0] }.flatMap(\.ranges)
        let wanted = shards.compactMap { model.manifest[shard: $0] }.flatMap(\.ranges)
        return ByteRange.subtract(held, from: wanted).reduce(0) { $0 + $1.length }
    }

    private func checkSource(of model: ModelID) async throws {
        do {
            try await sources.adoptHeader(model)
        } catch  where error is CancellationError || Self.isFinal(error) || Self.isFull(error) {
            throw error
        } catch let error as AcquisitionError where error.code == .noSource {
            throw error
        } catch {
            // Somebody knows it: the download goes on trying.
            logger.info(
                "a model's header could not be fetched yet", metadata: ["model": "\(model)", "error": "\(error)"])
        }
    }

    private func begin(_ entry: DownloadTable.Entry) throws {
        do {
            try table.record(entry)
        } catch let error as StoreError {
            throw AcquisitionError(error.code == .full ? .diskFull : .fileSystem, error.message, cause: error)
        }
        if var download = downloads[entry.model], download.state.isActive {
            download.entry = entry
            // The header is looked at again, and with it what is to come.
            download.state = .awaitingManifest
            downloads[entry.model] = download
        } else {
            var download = Download(entry: entry)
            // Work on an earlier download that has not quite ended is not begun twice.
            download.running = downloads[entry.model]?.running ?? [:]
            download.note("asked for by \(entry.trigger == .user ? "a user" : "auto-manage")")
            downloads[entry.model] = download
        }
        wake()
    }

    /// Says that a file's header is being read on the hub.
    func publishProbe(of origin: ModelOrigin) {
        events.publish(
            NodeEvent(
                .model(.probeStarted(repository: origin.repository), nil),
                "Reading the header of \(origin.file) of \(origin.repository)"))
    }

    /// Ends a download and gives back what came of shards that are not complete. Complete ones stay.
    ///
    /// - Throws: `AcquisitionError` of code `noDownload`; `StoreError`.
    package func cancel(_ model: ModelID) async throws {
        guard let download = downloads[model], download.state.isActive || download.state.isFailed else {
            throw AcquisitionError(.noDownload, "no download of \(model.rawValue.prefix(200)) is under way")
        }
        try table.remove(model)
        downloads[model]?.state = .cancelled
        downloads[model]?.note("cancelled")
        let running = download.running.values.map(\.task)
        for task in running { task.cancel() }
        let earlier = cancellations[model]
        let task = Task {
            await earlier?.value
            for task in running { await task.value }
            await self.giveBack(model)
            self.cancellations[model] = nil
        }
        cancellations[model] = task
        await task.value
        publish(.downloadCancelled, "The download of \(download.name) was cancelled", of: model, level: .info)
        wake()
    }

    private func giveBack(_ model: ModelID) async {
        do {
            for arrival in try await library.arriving() where arrival.model == model {
                try await library.abandon(shard: arrival.shard, id: model)
            }
        } catch {
            logger.warning(
                "shards that came in part cannot be given back",
                metadata: ["model": "\(model)", "error": "\(error)"])
        }
    }
}
