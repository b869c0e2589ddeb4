import Events
package import Exchange
import GGUF
import Hub
import Identifiers
import Link
import Logging
import ModelLibrary
import Store

extension DownloadQueue {
    /// Does a job, and puts down what came of it.
    func perform(_ job: Job) async {
        defer {
            downloads[job.model]?.end(job)
            wake()
        }
        if let shard = job.shard {
            await fetch(shard, for: job)
        } else {
            switch downloads[job.model]?.state {
            case .awaitingManifest: await prepare(job)
            case .paused: await lookForRoom(job.model)
            case .downloading: await settle(job.model)
            default: break
            }
        }
    }

    // MARK: - The model as a whole

    /// Brings the header, and works out what is to come.
    private func prepare(_ job: Job) async {
        let id = job.model
        do {
            if (try? await library.model(id)) == nil { try await sources.adoptHeader(id) }
            let model = try await library.model(id)
            let partly = Dictionary(
                try await library.arriving().filter { $0.model == id }.map { ($0.shard, $0.writtenBytes) },
                uniquingKeysWith: max)
            guard var download = downloads[id], download.state == .awaitingManifest else { return }
            let nodes = sources.nodes()
            let wanted = try download.entry.wanted.indices(of: model.manifest, for: nodes.own, among: nodes.peers)
            download.name = model.manifest.name
            download.neighbours = Download.neighbours(of: wanted, in: model.manifest)
            download.entry.wanted = .some(ShardSelection(wanted))
            try table.record(download.entry)
            for index in wanted.sorted() {
                guard let shard = model.manifest[shard: index] else { continue }
                let isHeld = model.held.contains(index)
                download.progress.add(
                    DownloadStatus.Shard(
                        index: index, state: isHeld ? .complete : .pending, totalBytes: shard.sizeBytes,
                        downloadedBytes: isHeld ? shard.sizeBytes : min(shard.sizeBytes, partly[index] ?? 0)))
                // A shard that was deleted since, or failed before, is asked for anew.
                if !isHeld, download.running[index] == nil {
                    download.progress.set(index, .pending)
                    download.idleAttempts[index] = nil
                    download.wrongCopies[index] = nil
                }
            }
            download.state = .downloading
            download.idleAttempts[.none] = 0
            downloads[id] = download
            let missing = wanted.subtracting(model.held)
            guard !missing.isEmpty else { return }
            publish(
                .downloadStarted,
                "Fetching \(missing.count) of \(model.manifest.shards.count) shards of \(download.name)",
                of: id, level: .info)
        } catch {
            await rest(job, after: error)
        }
    }

    /// Goes on as soon as a shard fits.
    private func lookForRoom(_ id: ModelID) async {
        try? await Task.sleep(for: settings.roomInterval)
        guard let room = try? await sources.room(), !Task.isCancelled, let download = downloads[id],
            case .paused = download.state, download.awaitedBytes <= room
        else { return }
        // What is to come is worked out anew: more may have been asked for meanwhile.
        downloads[id]?.state = .awaitingManifest
        downloads[id]?.note("there is room again")
    }

    /// Ends a download of which nothing is left to fetch.
    private func settle(_ id: ModelID) async {
        guard let download = downloads[id] else { return }
        let failed = download.progress.shards.filter { $0.state == .failed }.map(\.index)
        guard failed.isEmpty else {
            let reason = download.failure ?? "shards \(ShardSelection(Set(failed))) could not be fetched"
            return fail(id, reason)
        }
        do {
            let different = try await library.compareWithPublisher(id: id)
            guard different.isEmpty else {
                // Which of them is wrong nobody can say; those that an operator imported were compared then.
                let fetched = try table.fetched(of: id)
                try await library.disown(fetched, id: id)
                try table.forgetFetched(of: id)
                return fail(
                    id,
                    "\(different.joined(separator: ", ")) does not have the SHA-256 that the publisher gives; "
                        + "the shards that came were dropped: fetch them again")
            }
            try table.remove(id)
        } catch is CancellationError {
            return
        } catch  where Self.isFull(error) {
            return pause(id, "\(error)")
        } catch {
            return fail(id, "\(error)")
        }
        guard downloads[id]?.state == .downloading else { return }
        downloads[id]?.state = .complete
        downloads[id]?.note("complete")
        let fromHub = [.huggingface, .mixed].contains(download.progress.source)
        publish(.downloadCompleted(fromHub: fromHub), "\(download.name) has come", of: id, level: .success)
        forgetOldest()
    }

    func fail(_ id: ModelID, _ reason: String) {
        guard var download = downloads[id], download.state.isActive else { return }
        download.state = .failed(reason: reason)
        download.entry.failure = reason
        download.note("failed: \(reason)")
        downloads[id] = download
        do { try table.record(download.entry) } catch {
            logger.error("a failed download cannot be written down", metadata: ["model": "\(id)", "error": "\(error)"])
        }
        logger.error("a download failed", metadata: ["model": "\(id)", "reason": "\(reason)"])
        let fromHub = [.huggingface, .mixed].contains(download.progress.source)
        publish(
            .downloadFailed(fromHub: fromHub), "The download of \(download.name) failed: \(reason)", of: id,
            level: .error)
        for work in download.running.values { work.task.cancel() }
        forgetOldest()
    }

    // MARK: - One shard

    private func fetch(_ shard: ShardIndex, for job: Job) async {
        let id = job.model
        guard let download = downloads[id] else { return }
        let before = download.progress[shard]?.downloadedBytes ?? 0
        let transfer = ShardTransfer(
            library: library, sources: sources, progress: download.progress, limits: settings.transfer)
        do {
            let model = try await library.model(id)
            let all = Self.bytes(of: [shard], in: model)
            let missing = all - min(before, all)
            // What others that run already are about to take is taken.
            let taken = downloads.values.flatMap { download in
                download.running.keys.compactMap { running in
                    running.flatMap { $0 == shard && download.entry.model == id ? nil : download.progress[$0] }
                }
            }.reduce(UInt64(0)) { $0 + $1.missingBytes }
            guard try await missing + taken <= sources.room() else {
                downloads[id]?.awaitedBytes = missing
                throw AcquisitionError(
                    .diskFull, "shard \(shard) needs \(missing >> 20) MiB more than models may take of this disk")
            }
            let outcome = try await transfer.run(shard, of: id, suspicions: download.suspicions[shard] ?? [])
            switch outcome {
            case .wasHere:
                download.progress.set(shard, .complete)
            case .came(let suppliers):
                download.progress.set(shard, .complete)
                downloads[id]?.suspicions[shard] = nil
                downloads[id]?.idleAttempts[shard] = nil
                downloads[id]?.toldPause = nil
                try table.noteFetched(shard, of: id)
                noteArrival(shard, of: id, from: suppliers)
            case .wrong(let suspicions, let culprit):
                await wrong(shard, for: job, suspicions: suspicions, culprit: culprit)
            }
        } catch is CancellationError {
            download.progress.set(shard, .pending)
        } catch {
            download.progress.set(shard, .pending)
            guard !Task.isCancelled else { return }
            if (download.progress[shard]?.downloadedBytes ?? 0) > before { downloads[id]?.idleAttempts[shard] = 0 }
            await rest(job, after: error)
        }
    }

    private func noteArrival(_ shard: ShardIndex, of id: ModelID, from suppliers: Set<SupplierName>) {
        let names = suppliers.map(\.description).sorted().joined(separator: ", ")
        downloads[id]?.note("shard \(shard) came from \(names)")
        publish(
            .downloaded(fromPeers: suppliers != [.hub]), "Shard \(shard) of \(id) came from \(names)", of: id,
            shard: shard,
            level: nil)
    }

    private func wrong(
        _ shard: ShardIndex, for job: Job, suspicions: [Contributions.Suspicion], culprit: NodeID?
    ) async {
        let id = job.model
        downloads[id]?.progress.set(shard, .pending)
        downloads[id]?.suspicions[shard, default: []] += suspicions
        downloads[id]?.wrongCopies[shard, default: 0] += 1
        if let culprit {
            downloads[id]?.note("shard \(shard) came wrong from node \(culprit.short)")
            logger.error(
                "a peer sent a wrong shard, which was dropped; it is not asked for it again for a day",
                metadata: ["model": "\(id)", "shard": "\(shard)", "node": "\(culprit.short)"])
            await sources.blame(culprit, id, shard)
            publish(
                .downloadFailed, "Node \(culprit.short) sent a wrong shard \(shard) of \(id)", of: id,
                shard: shard, node: culprit, level: .warning)
        } else {
            downloads[id]?.note("shard \(shard) came wrong; each of its senders is tried by itself")
            logger.warning(
                "a shard came wrong, and was dropped; each of its senders is tried by itself",
                metadata: ["model": "\(id)", "shard": "\(shard)"])
        }
        // With every copy somebody is ruled out; where that does not help, nobody has the right one.
        guard downloads[id]?.wrongCopies[shard] ?? 0 > settings.maximumWrongCopies else {
            if culprit == nil { await pause(job, attempts: downloads[id]?.wrongCopies[shard] ?? 1) }
            return
        }
        downloads[id]?.progress.set(shard, .failed)
        downloads[id]?.failure =
            "every copy of shard \(shard) that came was wrong; import or fetch it from its publisher"
    }

    // MARK: - After a failure

    /// Waits before the next attempt, or gives up.
    private func rest(_ job: Job, after error: any Error) async {
        let (id, shard) = (job.model, job.shard)
        guard !Task.isCancelled, !(error is CancellationError), downloads[id]?.state.isActive == true else { return }
        let reason = "\(error)"
        if Self.isFull(error) { return pause(id, reason) }
        let attempts = (downloads[id]?.idleAttempts[shard] ?? 0) + 1
        downloads[id]?.idleAttempts[shard] = attempts
        downloads[id]?.note((shard.map { "shard \($0)" } ?? "header") + ": \(reason)")
        logger.warning(
            "a download does not get on",
            metadata: [
                "model": "\(id)", "shard": "\(shard.map(\.description) ?? "header")", "attempt": "\(attempts)",
                "error": "\(reason)",
            ])
        if ((error as? AcquisitionError)?.cause as? HubError)?.code == .stalled {
            let message = "The hub sends nothing of \(id): \(reason)"
            if let shard {
                publish(.downloadStalled, message, of: id, shard: shard, level: .warning)
            } else {
                publish(.downloadStalled, message, of: id, level: .warning)
            }
        }
        if attempts >= settings.maximumIdleAttempts || Self.isFinal(error) {
            guard let shard else { return fail(id, reason) }
            downloads[id]?.progress.set(shard, .failed)
            downloads[id]?.failure = "shard \(shard): \(reason)"
            publish(
                .downloadFailed, "Shard \(shard) of \(id) could not be fetched: \(reason)", of: id,
                shard: shard,
                level: .error)
            return
        }
        await pause(job, attempts: attempts)
    }

    /// Fetches nothing more until there is room. The same reason is told once.
    private func pause(_ id: ModelID, _ reason: String) {
        guard downloads[id]?.state.isActive == true else { return }
        if downloads[id]?.toldPause != reason {
            downloads[id]?.toldPause = reason
            downloads[id]?.note("paused: \(reason)")
            publish(.downloadPaused, "The download of \(id) waits for room: \(reason)", of: id, level: .warning)
        }
        downloads[id]?.state = .paused(reason: reason)
    }

    /// Lets a job wait before its next attempt. The shard gives its place to another one meanwhile.
    private func pause(_ job: Job, attempts: Int) async {
        let pause = min(settings.longestPause, settings.firstPause * (1 << min(attempts - 1, 16)))
        downloads[job.model]?.rest(job)
        wake()
        try? await Task.sleep(for: pause)
        downloads[job.model]?.wake(job)
    }

    static func isFull(_ error: any Error) -> Bool {
        switch error {
        case let error as LibraryError: error.code == .diskFull
        case let error as AcquisitionError: error.code == .diskFull
        case let error as StoreError: error.code == .full
        default: false
        }
    }

    /// Whether trying again does not help.
    static func isFinal(_ error: any Error) -> Bool {
        switch error {
        case let error as LibraryError:
            [.notPermitted, .modelNotFound, .notAModel, .idTaken, .badShards].contains(error.code)
        case let error as AcquisitionError: error.isFinal
        case let error as StoreError: error.code == .readOnly
        default: false
        }
    }

    func publish(_ event: ModelEvent, _ message: String, of id: ModelID, level: NodeEvent.ToastLevel?) {
        events.publish(NodeEvent(.model(event, eventModel(id)), message, toast: level))
    }

    private func publish(
        _ event: ShardEvent, _ message: String, of id: ModelID, shard: ShardIndex, node: NodeID? = nil,
        level: NodeEvent.ToastLevel?
    ) {
        events.publish(
            NodeEvent(.shard(event, shard.rawValue, eventModel(id)), message, node: node?.short, toast: level))
    }

    private func eventModel(_ id: ModelID) -> EventModel { EventModel(id: id.rawValue, name: downloads[id]?.name) }
}

extension SupplierName: CustomStringConvertible {
    package var description: String {
        switch self {
        case .hub: "the hub"
        case .peer(let node): "node \(node.short)"
        }
    }
}
