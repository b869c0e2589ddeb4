import FoundationEssentials
import GGUF
package import Hub
package import Identifiers
package import ModelLibrary
import Synchronization

/// Models on a hub: what their headers say, and their bytes.
package final class HubModels: Sendable {
    /// A model as its publisher has it.
    package struct Description: Sendable {
        /// Where it is; the revision is the commit that the rest is of.
        package let origin: ModelOrigin
        /// The model's files, in part order.
        package let files: [HubFile]
        package let manifest: ModelManifest
        /// The bytes before tensor data, of each part.
        package let headers: [[UInt8]]

        package var headerBytes: UInt64 { headers.reduce(0) { $0 + UInt64($1.count) } }
    }

    /// How long the hub's word on where a file is counts.
    private static let resolvedFor: Duration = .seconds(600)
    /// Most parts of a model.
    package static let maximumParts = 1024

    /// What a node spends on a hub's word.
    package struct Limits: Sendable {
        /// Longest headers of all parts of a model together.
        package var headerBytes: UInt64 = 256 << 20
        /// How long the hub is left out, where there are others, after it failed.
        package var failurePause: Duration = .seconds(60)

        package init() {}
    }

    private struct State {
        var resolved: [ModelOrigin: (files: [HubFile], at: ContinuousClock.Instant)] = [:]
        var failures: [ModelOrigin: ContinuousClock.Instant] = [:]
        /// Those that the hub is being asked about ahead of time.
        var preparing: Set<ModelOrigin> = []
    }

    package let client: HubClient
    private let library: ModelLibrary
    private let shardSizeBytes: UInt64
    private let limits: Limits
    private let state = Mutex(State())

    package init(client: HubClient, library: ModelLibrary, shardSizeBytes: UInt64, limits: Limits = Limits()) {
        self.client = client
        self.library = library
        self.shardSizeBytes = shardSizeBytes
        self.limits = limits
    }

    /// Reads the headers of a model, and nothing more of it.
    ///
    /// - Parameters:
    ///   - origin: the model's file, or any of its parts.
    ///   - id: the id to keep it under; nil: the one that the file's name gives.
    /// - Throws: `HubError`, `tooLarge` also where the model has more than ``maximumParts`` parts or longer headers than the
    ///   limits say; `LibraryError` of code `notAModel`; `AcquisitionError` of code `badOrigin` for a name that gives no id.
    package func describe(_ origin: ModelOrigin, id: ModelID? = nil) async throws -> Description {
        let files = try await files(of: origin)
        guard let id = id ?? ModelID(fileName: files[0].path.name) else {
            throw AcquisitionError(
                .badOrigin, field: "model_id", "the name of \(origin.file) gives no model id; choose one yourself")
        }
        var parts: [ModelManifest.RemotePart] = []
        var left = limits.headerBytes
        do {
            for file in files {
                let probe = try await client.probe(file, upTo: min(left, HubClient.maximumHeaderBytes))
                left -= UInt64(probe.bytes.count)
                parts.append(
                    ModelManifest.RemotePart(
                        name: file.path.name, sizeBytes: file.sizeBytes, sha256: file.sha256, header: probe.bytes))
            }
        } catch let error as HubError {
            // What the hub said may be what was wrong: who asks again asks the hub again.
            forget(origin)
            throw error
        }
        let (manifest, headers) = try ModelManifest.describing(parts, id: id, shardSizeBytes: shardSizeBytes)
        var pinned = origin
        pinned.file = files[0].path.text
        pinned.revision = files[0].commit.text
        return Description(origin: pinned, files: files, manifest: manifest, headers: headers)
    }

    /// The file that turns images into embeddings for the models of a repository; nil where it has none.
    ///
    /// - Throws: `HubError`.
    func projector(beside origin: ModelOrigin) async throws -> String? {
        let info = try await client.info(
            of: HubRepository(origin.repository), revision: origin.revision.map { try HubRevision($0) } ?? .main)
        return HubVariant.recommendedProjector(among: info.variants)?.path.text
    }

    /// Takes a model into the library, with its header only.
    ///
    /// - Throws: `LibraryError`: `idTaken` where another model has the id, `diskFull`, of the file system.
    package func adopt(_ description: Description) async throws {
        try await library.adoptHeader(description.manifest, parts: description.headers)
    }

    /// Somebody who sends the bytes of models from where their publisher has them. The hub is asked when somebody wants some.
    func supplier(origin: ModelOrigin) -> HubSupplier { HubSupplier(models: self, origin: origin) }

    /// The files of a model at its publisher's, in part order.
    ///
    /// - Throws: `AcquisitionError` of code `notHeldThere` where the publisher has other files than the model's by now;
    ///   `HubError`.
    func files(of model: LibraryModel, at origin: ModelOrigin) async throws -> [HubFile] {
        let files = try await files(of: origin)
        let parts = model.manifest.parts
        let isSame =
            files.count == parts.count
            && zip(files, parts).allSatisfy { file, part in
                file.sizeBytes == part.sizeBytes
                    && (part.sha256 == nil || file.sha256 == nil || part.sha256 == file.sha256)
            }
        guard isSame else {
            noteFailure(of: origin)
            throw AcquisitionError(
                .notHeldThere,
                "\(origin.repository) has another \(origin.file) than \(model.id) was made of; remove the model and pull "
                    + "it again to have the new one", isFinal: true)
        }
        return files
    }

    /// The model's files in part order, all of one commit.
    private func files(of origin: ModelOrigin) async throws -> [HubFile] {
        if let known = resolved(origin) { return known }
        let paths = PartName.siblings(of: origin.file)
        guard paths.count <= Self.maximumParts else {
            throw HubError(
                .tooLarge,
                "\(origin.file) is one of \(paths.count) parts, and a model has at most \(Self.maximumParts); choose another file"
            )
        }
        let repository = try HubRepository(origin.repository)
        var revision = try origin.revision.map { try HubRevision($0) } ?? .main
        var files: [HubFile] = []
        for path in paths {
            let file = try await client.resolve(repository, try HubFilePath(path), revision: revision)
            // A push between two parts must not mix two models.
            revision = file.commit
            files.append(file)
        }
        state.withLock { [files] state in
            state.resolved = state.resolved.filter { .now - $0.value.at < Self.resolvedFor }
            state.resolved[origin] = (files, .now)
        }
        return files
    }

    /// The files as the hub described them not long ago.
    private func resolved(_ origin: ModelOrigin) -> [HubFile]? {
        state.withLock { state in
            state.resolved[origin].flatMap { .now - $0.at < Self.resolvedFor ? $0.files : nil }
        }
    }

    /// Has the hub asked anew where a file is.
    func forget(_ origin: ModelOrigin) {
        state.withLock { _ = $0.resolved.removeValue(forKey: origin) }
    }

    // MARK: - Whether the hub can be counted on

    /// Has the hub asked anew where a file is, and left out for a while where there are others.
    func noteFailure(of origin: ModelOrigin) {
        state.withLock { state in
            state.resolved[origin] = nil
            state.failures = state.failures.filter { .now - $0.value < limits.failurePause }
            state.failures[origin] = .now
        }
    }

    /// Whether the hub failed not long ago when it was asked for this.
    func hasFailed(_ origin: ModelOrigin) -> Bool {
        state.withLock { state in state.failures[origin].map { .now - $0 < limits.failurePause } ?? false }
    }

    /// Whether the hub has said where this is. Where it has not it is asked, for whoever wants to know later.
    func isReady(_ origin: ModelOrigin) -> Bool {
        if hasFailed(origin) { return false }
        if resolved(origin) != nil { return true }
        guard state.withLock({ $0.preparing.insert(origin).inserted }) else { return false }
        Task {
            do { _ = try await files(of: origin) } catch { noteFailure(of: origin) }
            state.withLock { _ = $0.preparing.remove(origin) }
        }
        return false
    }
}
