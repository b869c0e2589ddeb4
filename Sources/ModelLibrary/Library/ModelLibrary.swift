import BLAKE3
package import Events
import FoundationEssentials
package import Identifiers
package import Logging
package import Store
import Synchronization

/// The models on this node's disk: which there are, which of their shards are here, and how they come and go.
///
/// Several processes may open one library, for instance `shoal import` beside a running node: changes to one model
/// exclude each other, and ``refresh()`` brings in what others have done.
///
/// Methods that read or write many bytes do so outside the actor, so that asking for models never waits for them.
package actor ModelLibrary {
    /// What a shard holds unless said otherwise: 512 MiB.
    package static let defaultShardSizeBytes: UInt64 = 512 << 20

    /// What the library had at a moment.
    package struct Snapshot: Sendable {
        /// All models, by id.
        package fileprivate(set) var models: [LibraryModel] = []
        /// Grows whenever the models are others than before.
        package fileprivate(set) var revision: UInt64 = 0
    }

    let folder: LibraryFolder
    let presence: PresenceTable
    let arrivals: ArrivalTable
    let events: EventBus
    let logger: Logger
    private let listeners = ChangeListeners()
    private var known: [ModelID: LibraryModel] = [:]
    private let latest = Mutex(Snapshot())
    private var decoded: [ModelID: (stamp: StorageFile.Stamp, manifest: ModelManifest)] = [:]
    private var foreignVersion: Int?
    /// Why models were left out at the last look, so that each reason is told once.
    private var leftOut: [ModelID: String] = [:]
    /// How often each model has lost a shard, or was removed or replaced: before the bytes go, the number grows.
    private(set) var losses: [ModelID: UInt64] = [:]

    private init(
        folder: LibraryFolder, presence: PresenceTable, arrivals: ArrivalTable, events: EventBus, logger: Logger
    ) {
        self.folder = folder
        self.presence = presence
        self.arrivals = arrivals
        self.events = events
        self.logger = logger
    }

    /// Opens the library in a folder, or makes it, and clears away what a killed process left there.
    ///
    /// What was put there by hand shows after ``rescan()``.
    ///
    /// - Parameter directory: the folder that has one folder per model: `<data>/models`.
    /// - Throws: `LibraryError`, `StoreError`.
    package static func open(
        directory: String, store: Store, events: EventBus = EventBus(), logger: Logger = Logger(label: "library")
    ) async throws -> ModelLibrary {
        let folder = try LibraryFolder(path: directory)
        try folder.removeLeftovers()
        let library = ModelLibrary(
            folder: folder, presence: try PresenceTable(store: store), arrivals: try ArrivalTable(store: store),
            events: events, logger: logger)
        try await library.load()
        return library
    }

    /// The folder that has one folder per model.
    package nonisolated var directory: String { folder.path }

    /// All models, by id.
    package func models() -> [LibraryModel] {
        snapshot.models
    }

    /// All models as of the latest look at them, without waiting for what the library is doing.
    package nonisolated var snapshot: Snapshot { latest.withLock { $0 } }

    /// The model of that id.
    /// - Throws: `LibraryError` of code `modelNotFound`.
    package func model(_ id: ModelID) throws -> LibraryModel {
        guard let model = known[id] else {
            throw LibraryError(
                .modelNotFound, "the library has no model \(id); import it, or look at the list of models")
        }
        return model
    }

    /// What happens to models from now on. The stream keeps the latest 256 changes for a slow listener.
    package nonisolated func changes() -> AsyncStream<LibraryChange> {
        listeners.stream()
    }

    /// Brings in what another process has done to the library, if anything.
    /// - Returns: the models that changed.
    @discardableResult
    package func refresh() throws -> [ModelID] {
        guard try presence.foreignVersion() != foreignVersion else { return [] }
        return try load()
    }

    /// Calls ``refresh()`` again and again until the task is cancelled, so that imports beside the node show up.
    package func watch(every interval: Duration = .seconds(2)) async {
        while !Task.isCancelled {
            do { try refresh() } catch { logger.error("cannot look for new models", metadata: ["error": "\(error)"]) }
            try? await Task.sleep(for: interval)
        }
    }

    /// Reads manifests and database anew, and tells the listeners what is different.
    @discardableResult
    func load() throws -> [ModelID] {
        foreignVersion = try presence.foreignVersion()
        let entries = try presence.entries()
        let arriving = Set(try arrivals.entries().map(\.model))
        var found: [ModelID: LibraryModel] = [:]
        var faults: [ModelID: String] = [:]
        for name in try folder.modelFolders() {
            guard let id = ModelID(name) else { continue }
            do {
                guard let manifest = try manifest(id) else { continue }
                found[id] = try model(of: manifest, entry: entries[id], isArriving: arriving.contains(id))
            } catch {
                let fault = "\(error)"
                faults[id] = fault
                if leftOut[id] != fault {
                    logger.warning("left out a model", metadata: ["model": "\(id)", "error": "\(fault)"])
                }
            }
        }
        leftOut = faults
        var changed: [ModelID] = []
        for id in Set(found.keys).union(known.keys).sorted() where found[id] != known[id] {
            changed.append(id)
            let change: LibraryChange =
                found[id] == nil ? .removed(id) : known[id] == nil ? .added(id) : .updated(id)
            listeners.tell(change)
            if let before = known[id],
                found[id]?.manifestHash != before.manifestHash || found[id]?.held.isSuperset(of: before.held) != true
            {
                losses[id, default: 0] += 1
            }
        }
        known = found
        if !changed.isEmpty {
            let models = found.values.sorted { $0.id < $1.id }
            latest.withLock { $0 = Snapshot(models: models, revision: $0.revision + 1) }
        }
        return changed
    }

    /// The stored manifest; read again only when its file is another one.
    func manifest(_ id: ModelID) throws -> ModelManifest? {
        guard let stamp = try? StorageFile(path: folder.manifestPath(id), mode: .read).stamp() else {
            decoded[id] = nil
            return nil
        }
        if let known = decoded[id], known.stamp == stamp { return known.manifest }
        let manifest = try folder.manifest(id)
        decoded[id] = manifest.map { (stamp, $0) }
        return manifest
    }

    private func model(
        of manifest: ModelManifest, entry: PresenceTable.Entry?, isArriving: Bool
    ) throws -> LibraryModel {
        let path = folder.modelFolder(manifest.id)
        var held: Set<ShardIndex> = []
        if let entry, entry.vouches(for: manifest, stamps: try stamps(of: manifest), isArriving: isArriving) {
            held = entry.held
        }
        let added =
            try entry?.added ?? StorageFile(path: folder.manifestPath(manifest.id), mode: .read).stamp().modified
        return LibraryModel(manifest: manifest, folder: path, held: held, added: added)
    }

    /// What the model's files are now.
    func stamps(of manifest: ModelManifest) throws -> [StorageFile.Stamp] {
        try manifest.openFiles(in: folder.modelFolder(manifest.id), mode: .read).map { try $0.stamp() }
    }

    /// Writes down which shards are there, after their bytes were synchronized and verified, and shows it.
    func record(_ manifest: ModelManifest, held: Set<ShardIndex>) throws {
        let added = try presence.entry(of: manifest.id)?.added ?? Date()
        try presence.record(
            PresenceTable.Entry(
                manifestHash: manifest.hash, added: added, stamps: try stamps(of: manifest), held: held
            ), for: manifest.id
        )
        try load()
    }
}

extension StorageFile.Stamp {
    /// When the file was last written to.
    var modified: Date { Date(timeIntervalSince1970: Double(modifiedNanoseconds) / 1e9) }
}

/// Who listens to a library's changes.
final class ChangeListeners: Sendable {
    private struct State {
        var continuations: [Int: AsyncStream<LibraryChange>.Continuation] = [:]
        var next = 0
    }

    private let state = Mutex(State())

    deinit {
        for continuation in state.withLock({ $0.continuations.values.map { $0 } }) { continuation.finish() }
    }

    func tell(_ change: LibraryChange) {
        state.withLock { for continuation in $0.continuations.values { continuation.yield(change) } }
    }

    func stream() -> AsyncStream<LibraryChange> {
        let (stream, continuation) = AsyncStream.makeStream(
            of: LibraryChange.self, bufferingPolicy: .bufferingNewest(256)
        )
        let identifier = state.withLock { state in
            state.next += 1
            state.continuations[state.next] = continuation
            return state.next
        }
        continuation.onTermination = { [weak self] _ in
            self?.state.withLock { state in _ = state.continuations.removeValue(forKey: identifier) }
        }
        return stream
    }
}
